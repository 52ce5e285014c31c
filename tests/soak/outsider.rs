//! [`Outsider`]: changes catalog and store at random behind restock's back.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use crate::object::{COLLECTION, Object, digest_of};
use crate::place::{Place, Thing};
use crate::source::Slow;

/// Things with a row at first, and about as many later on.
const THINGS: u64 = 150;
/// Orphans and foreign keys at most.
const STRANGERS: usize = 40;
/// Between two deeds on average.
const PAUSE: Duration = Duration::from_millis(120);

/// Somebody who knows nothing of restock.
pub(crate) struct Outsider<'a> {
    place: &'a Place,
    seed: u64,
    random: StdRng,
    pub(crate) things: Vec<Thing>,
    made: u64,
    strangers: usize,
    /// Where it did something last: restock may be at work there.
    recent: Option<usize>,
    done: BTreeMap<&'static str, usize>,
}

/// What is done, and how often among a hundred.
const DEEDS: [(&str, u32); 14] = [
    ("delete", 22),
    ("rot", 12),
    ("truncate", 8),
    ("empty", 3),
    ("restore", 6),
    ("delete rows", 8),
    ("add rows", 8),
    ("add a second row", 3),
    ("new thing", 7),
    ("change URL", 12),
    ("orphan", 4),
    ("rotten orphan", 3),
    ("foreign key", 2),
    ("awscli", 2),
];

impl<'a> Outsider<'a> {
    /// Makes a world that is healthy but for two objects.
    pub(crate) async fn begin(place: &'a Place, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let (made, things) = (THINGS, (0..THINGS).map(|n| Thing::nth(seed, n)).collect());
        let done = BTreeMap::new();
        let (strangers, recent) = (0, None);
        let mut outsider = Self { place, seed, random, things, made, strangers, recent, done };
        for thing in &mut outsider.things {
            place.want(thing).await;
            // The large ones are lost from the beginning: their heals warm the daemon up.
            if thing.object.bytes.len() < 1 << 20 {
                place.put(&thing.object.key, &thing.object.bytes).await;
            }
        }
        outsider
    }

    /// Does this and that until the time is over.
    pub(crate) async fn rage(&mut self, duration: Duration) {
        let end = Instant::now() + duration;
        while Instant::now() < end {
            let total = DEEDS.iter().map(|(_, weight)| weight).sum();
            let mut at = self.random.random_range(0..total);
            let mut deeds = DEEDS.iter();
            let deed = loop {
                let (deed, weight) = deeds.next().unwrap();
                if at < *weight {
                    break *deed;
                }
                at -= weight;
            };
            self.act(deed).await;
            *self.done.entry(deed).or_default() += 1;
            tokio::time::sleep(PAUSE.mul_f64(self.random.random_range(0.0..2.0))).await;
        }
        eprintln!("the outsider did {:?}", self.done);
    }

    /// Gets in the way of heals until it is stopped: while the bytes of an object are under way,
    /// somebody puts them there, or others, or takes what is there away.
    pub(crate) async fn meddle(place: &Place, seed: u64) {
        let (mut random, mut slow) = (StdRng::seed_from_u64(seed), place.slow.lock().await);
        while let Some(Slow { digest, file }) = slow.recv().await {
            let key = format!("{COLLECTION}/{digest}");
            match random.random_range(0..4) {
                0 => place.put(&key, &file[1..file.len().min(9_000)]).await,
                1 => place.delete(&key).await,
                _ => place.put(&key, &file).await,
            }
        }
    }

    async fn act(&mut self, deed: &str) {
        let any = self.random.random_range(0..self.things.len());
        let at = self.recent.filter(|_| self.random.random_bool(0.3)).unwrap_or(any);
        self.recent = Some(at);
        let (place, thing) = (self.place, &mut self.things[at]);
        let Object { key, bytes, .. } = thing.object.clone();
        match deed {
            "delete" => place.delete(&key).await,
            "rot" => place.put(&key, &thing.rotten(&mut self.random)).await,
            "truncate" => place.put(&key, &bytes[..bytes.len().min(9_000) / 2]).await,
            "empty" => place.put(&key, b"").await,
            "restore" => place.put(&key, &bytes).await,
            "change URL" => place.change_url(thing).await,
            "delete rows" => place.forget(thing).await,
            "add a second row" if thing.rows == 1 => place.want(thing).await,
            "add a second row" => {}
            "awscli" => self.use_awscli().await,
            "add rows" | "new thing" => self.want(deed).await,
            _ => self.bring(deed).await,
        }
    }

    /// Adds rows: of what none wants any more, or of what was never heard of.
    async fn want(&mut self, deed: &str) {
        if deed == "add rows" {
            let forgotten = self.things.iter_mut().filter(|thing| thing.rows == 0);
            for thing in forgotten.take(2) {
                self.place.want(thing).await;
            }
            return;
        }
        let wanted = self.things.iter().filter(|thing| thing.rows > 0).count();
        if wanted > usize::try_from(THINGS).unwrap() {
            return;
        }
        let mut thing = Thing::nth(self.seed, self.made);
        self.made += 1;
        self.place.want(&mut thing).await;
        self.things.push(thing);
    }

    /// Puts a key into the store that no row wants.
    async fn bring(&mut self, deed: &str) {
        if self.strangers >= STRANGERS {
            return;
        }
        self.strangers += 1;
        let object = Thing::nth(self.seed, u64::MAX / 2 + self.made).object;
        self.made += 1;
        self.place.known.lock().unwrap().push(object.digest);
        match deed {
            "orphan" => self.place.put(&object.key, &object.bytes).await,
            "rotten orphan" => self.place.put(&object.key, b"nobody's").await,
            "foreign key" => {
                self.place.put(&format!("{COLLECTION}/{}", object.name), b"foreign").await;
            }
            _ => unreachable!("{deed}"),
        }
    }

    /// Several objects at once: deleted, or overwritten.
    async fn use_awscli(&mut self) {
        let chosen: Vec<_> = self.things.sample(&mut self.random, 3).cloned().collect();
        let rubbish = b"somebody's rubbish";
        let wrote = self.random.random_bool(0.5).then(|| digest_of(rubbish));
        if wrote.is_some() {
            let (key, file) = (&chosen[0].object.key, self.place.file(rubbish));
            let deed = self.place.log.begin(key, wrote);
            let from = file.path().to_str().unwrap().to_owned();
            let to = self.place.s3_url(key);
            self.place.aws(["s3", "cp", "--quiet", &from, &to].map(str::to_owned).to_vec()).await;
            self.place.log.done(deed);
            return;
        }
        let url = self.place.s3_url(COLLECTION);
        let mut args: Vec<_> = ["s3", "rm", "--quiet", "--recursive", &url, "--exclude", "*"]
            .map(str::to_owned)
            .into();
        for thing in &chosen {
            args.extend(["--include".to_owned(), thing.object.digest.to_string()]);
        }
        let deeds: Vec<_> =
            chosen.iter().map(|thing| self.place.log.begin(&thing.object.key, None)).collect();
        self.place.aws(args).await;
        for deed in deeds {
            self.place.log.done(deed);
        }
    }

    /// What no random deed may leave out: objects that nobody can bring back, absent and rotten,
    /// and keys that no row wants.
    pub(crate) async fn leave_a_mark(&mut self) {
        for (at, deed) in [(2, "delete"), (3, "rot"), (4, "restore"), (6, "delete"), (7, "rot")] {
            let place = self.place;
            let thing = &mut self.things[at];
            if thing.rows == 0 {
                place.want(thing).await;
            }
            let key = thing.object.key.clone();
            match deed {
                "delete" => place.delete(&key).await,
                "rot" => place.put(&key, &thing.rotten(&mut self.random)).await,
                _ => place.put(&key, &thing.object.bytes).await,
            }
        }
        self.strangers = 0;
        for deed in ["orphan", "rotten orphan", "foreign key"] {
            self.act(deed).await;
        }
    }
}
