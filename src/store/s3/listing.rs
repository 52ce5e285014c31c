//! Lists a prefix with as many requests at once as its size asks for.
//!
//! Digests are spread evenly, so the first page tells from where it ends how many there are. What
//! is left is cut into ranges of the key order, each listed from its own start on. That needs a
//! server that hands out keys in order and starts where it is told; one that does not is listed
//! page after page, which needs neither.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::list::PaginatedListOptions;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::Bucket;
use super::page::PageFacts;
use super::progress::{Progress, Stuck};
use super::ranges::{self, Handed};
use crate::model::KeyTemplate;
use crate::store::keys::{KeyRange, is_listed, printable};
use crate::store::{ListRequest, ListedPage, Observed, StoreError, StoreFault};

/// Pages that wait for the consumer; each range holds one more.
const PAGES_WAITING: usize = 2;

type Out = mpsc::Sender<Result<ListedPage, StoreError>>;

/// Starts a listing. Dropping the stream ends it.
pub(super) fn list(
    bucket: Arc<Bucket>,
    request: ListRequest,
) -> BoxStream<'static, Result<ListedPage, StoreError>> {
    let (out, pages) = mpsc::channel(PAGES_WAITING);
    let listing = Arc::new(Listing {
        whole: KeyRange::of(&request.layout, request.slice),
        start: u64::try_from(request.slice.range().start).unwrap_or(u64::MAX),
        end: request.slice.range().end,
        layout: request.layout,
        concurrency: request.concurrency,
        bucket,
    });
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(Stop::Failed(error)) = listing.run(&out).await {
            // Nobody is left to be told when the consumer has gone.
            drop(out.send(Err(error)).await);
        }
    }));
    stream::unfold((pages, task), |(mut pages, task)| async move {
        pages.recv().await.map(|page| (page, (pages, task)))
    })
    .boxed()
}

/// Why a listing, or a part of it, does not go on.
pub(super) enum Stop {
    /// It failed: no verdict.
    Failed(StoreError),
    /// The consumer has gone.
    Unwanted,
    /// The server does not hand out keys in order.
    Disorder,
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// One listing of one collection.
pub(super) struct Listing {
    bucket: Arc<Bucket>,
    pub(super) layout: KeyTemplate,
    /// The keys asked for.
    pub(super) whole: KeyRange,
    /// Where they start in the digest space.
    pub(super) start: u64,
    /// Where they end in the digest space.
    pub(super) end: u128,
    pub(super) concurrency: usize,
}

/// A page as the server gave it; keys are relative to the store's prefix.
pub(super) struct RawPage {
    pub(super) objects: Vec<Observed>,
    /// Keys that `object_store` cannot hold.
    pub(super) refused: Vec<String>,
    date: Option<DateTime<Utc>>,
    pub(super) token: Option<String>,
    /// Whether all keys lie under the prefix that was asked for.
    inside: bool,
}

impl RawPage {
    /// Whether the keys ascend, and all of them come after `after`.
    fn ascends_from(&self, after: Option<&str>) -> bool {
        let keys = self.objects.iter().map(|object| object.key.as_str());
        let mut last = after;
        self.inside
            && keys.into_iter().all(|key| last.replace(key).is_none_or(|previous| previous < key))
    }

    fn last_key(&self) -> Option<&str> {
        self.objects.last().map(|object| object.key.as_str())
    }

    fn greatest_key(&self) -> Option<&str> {
        self.refused.iter().map(String::as_str).chain(self.last_key()).max()
    }

    /// All keys of the page that lie under the prefix that was asked for.
    fn keys(&self) -> impl Iterator<Item = &str> {
        let objects = self.objects.iter().map(|object| object.key.as_str());
        objects.chain(self.refused.iter().map(String::as_str))
    }

    /// What of the page is handed on for a range.
    fn listed(self, range: &KeyRange) -> ListedPage {
        let Self { mut objects, mut refused, date, .. } = self;
        let wanted = |key: &str| range.contains(key) && is_listed(key);
        objects.retain(|object| wanted(&object.key));
        refused.retain(|key| wanted(key));
        let unaddressable = refused.iter().map(|key| printable(key)).collect();
        ListedPage { objects, unaddressable, date }
    }
}

impl Listing {
    async fn run(self: &Arc<Self>, out: &Out) -> Result<(), Stop> {
        let offsets = self.bucket.clients.offsets;
        let after = self.whole.start_after().filter(|_| offsets);
        let first = self.page(after, None).await?;
        let cuts = if offsets && first.ascends_from(after) {
            ranges::cuts(self, &first)
        } else {
            Vec::new()
        };
        if cuts.is_empty() {
            return self.page_after_page(first, &Handed::default(), out).await;
        }
        self.in_ranges(first, cuts, out).await
    }

    /// Follows the tokens, whatever the order of the keys.
    async fn page_after_page(
        &self,
        mut page: RawPage,
        handed: &Handed,
        out: &Out,
    ) -> Result<(), Stop> {
        let (mut ordered, mut last, mut progress) = (true, None, Progress::new());
        loop {
            self.gets_on(&mut progress, &page)?;
            ordered = ordered && page.ascends_from(last.as_deref());
            last = page.last_key().map(str::to_owned).or(last);
            let past = ordered && last.as_deref().is_some_and(|key| self.whole.ends_before(key));
            let token = page.token.take();
            handed.leave_out_foreign(&self.layout, &mut page);
            send(out, page.listed(&self.whole)).await?;
            match token.filter(|_| !past) {
                None => return Ok(()),
                token => page = self.page(None, token).await?,
            }
        }
    }

    /// Lists the ranges at once. The first page of each is looked at before any is handed on: a
    /// server that ignores where to start shows it there, and nothing is lost yet.
    async fn in_ranges(
        self: &Arc<Self>,
        first: RawPage,
        cuts: Vec<KeyRange>,
        out: &Out,
    ) -> Result<(), Stop> {
        let mut asked = JoinSet::new();
        for (index, range) in cuts.iter().enumerate().skip(1) {
            let (listing, range) = (Arc::clone(self), range.clone());
            asked.spawn(async move {
                let page = listing.page(range.start_after(), None).await?;
                Ok::<_, StoreError>((index, page.ascends_from(range.start_after()), page))
            });
        }
        let (mut pages, mut obeyed) = (Vec::with_capacity(cuts.len()), true);
        while let Some(answer) = asked.join_next().await {
            let (index, ascends, page) = answer.map_err(|error| task_failed(&error))??;
            obeyed = obeyed && ascends;
            pages.push((index, page));
        }
        if !obeyed {
            return self.page_after_page(first, &Handed::default(), out).await;
        }
        pages.push((0, first));
        let handed = Arc::new(Handed::default());
        match self.follow_ranges(pages, cuts, &handed, out).await {
            Err(Stop::Disorder) => {
                // Digests that were handed on come again, which the sorter does not mind.
                let first = self.page(None, None).await?;
                self.page_after_page(first, &handed, out).await
            }
            outcome => outcome,
        }
    }

    async fn follow_ranges(
        self: &Arc<Self>,
        pages: Vec<(usize, RawPage)>,
        cuts: Vec<KeyRange>,
        handed: &Arc<Handed>,
        out: &Out,
    ) -> Result<(), Stop> {
        let mut running = JoinSet::new();
        for (index, page) in pages {
            let Some(range) = cuts.get(index).cloned() else { continue };
            let (listing, handed, out) = (Arc::clone(self), Arc::clone(handed), out.clone());
            running.spawn(async move { listing.follow(range, page, &handed, &out).await });
        }
        while let Some(ended) = running.join_next().await {
            ended.map_err(|error| task_failed(&error))??;
        }
        Ok(())
    }

    /// Lists one range to its end; its first page has been looked at.
    async fn follow(
        &self,
        range: KeyRange,
        mut page: RawPage,
        handed: &Handed,
        out: &Out,
    ) -> Result<(), Stop> {
        let (mut last, mut progress) = (None, Progress::new());
        loop {
            self.gets_on(&mut progress, &page)?;
            last = page.last_key().map(str::to_owned).or(last);
            let past = last.as_deref().is_some_and(|key| range.ends_before(key));
            let (token, reached) = (page.token.take(), page.greatest_key().map(str::to_owned));
            send(out, page.listed(&range)).await?;
            // Without an await in between: where this task is ended, both were done or neither.
            if let Some(reached) = reached {
                handed.up_to(&range, &reached);
            }
            let Some(token) = token.filter(|_| !past) else { return Ok(()) };
            page = self.page(None, Some(token)).await?;
            if !page.ascends_from(last.as_deref()) {
                return Err(Stop::Disorder);
            }
        }
    }

    /// An error where the listing would go on for ever.
    fn gets_on(&self, progress: &mut Progress, page: &RawPage) -> Result<(), StoreError> {
        let stuck = |stuck: Stuck| StoreError {
            fault: StoreFault::Malformed,
            action: format!(
                "list {}/{}{}",
                self.bucket.clients.at.bucket,
                self.bucket.prefix,
                self.layout.prefix()
            ),
            hint: Some("the server's listing does not come to an end".to_owned()),
            source: Some(Box::new(stuck)),
        };
        progress.note(page.keys(), page.token.as_deref()).map_err(stuck)
    }

    async fn page(
        &self,
        start_after: Option<&str>,
        token: Option<String>,
    ) -> Result<RawPage, StoreError> {
        let prefix = &self.bucket.prefix;
        let options = PaginatedListOptions {
            offset: start_after.map(|key| format!("{prefix}{key}")),
            page_token: token,
            ..Default::default()
        };
        let answer = self.bucket.list_page(self.layout.prefix(), options).await?;
        let facts = answer.result.extensions.get::<Arc<PageFacts>>().cloned().unwrap_or_default();
        let asked = format!("{prefix}{}", self.layout.prefix());
        let relative = |key: &str| {
            let inside = key.starts_with(&asked).then_some(key)?;
            inside.strip_prefix(prefix).map(str::to_owned)
        };
        let mut page = RawPage {
            objects: Vec::with_capacity(answer.result.objects.len()),
            refused: facts.refused.iter().filter_map(|key| relative(key)).collect(),
            date: facts.date,
            token: answer.page_token,
            inside: true,
        };
        for object in answer.result.objects {
            let location = object.location.as_ref();
            match relative(location) {
                Some(key) => page.objects.push(Observed {
                    key,
                    size: object.size,
                    modified: Some(object.last_modified),
                    archived: facts.archived.contains(location),
                }),
                None => page.inside = false,
            }
        }
        Ok(page)
    }
}

async fn send(out: &Out, page: ListedPage) -> Result<(), Stop> {
    out.send(Ok(page)).await.map_err(|_| Stop::Unwanted)
}

fn task_failed(error: &tokio::task::JoinError) -> StoreError {
    StoreError {
        fault: StoreFault::Other,
        action: "list".to_owned(),
        hint: Some(format!("a task of the listing ended: {error}")),
        source: None,
    }
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
