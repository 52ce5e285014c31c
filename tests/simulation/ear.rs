//! [`Ear`]: how the doubles of one instance reach its fate.

use std::sync::Weak;

use async_trait::async_trait;
use restock::model::ObjectMeta;
use restock::store::{BoxError, ListedPage, Observed, StoreFault};
use tokio::time::Instant;

use crate::fate::Fate;
use crate::hindrance::Hindrance;
use crate::interference;
use crate::memory_source::DENIED;
use crate::memory_store::{Meddler, Moment, Operation};
use crate::step::{Happening, What, Wrong};
use crate::things::{thing_asked, things};

/// How an instance's doubles reach its fate. Holds no share in it, or no world would ever end.
pub(crate) struct Ear {
    pub(crate) fate: Weak<Fate>,
    pub(crate) who: usize,
}

#[async_trait]
impl Meddler for Ear {
    async fn meet(
        &self,
        moment: Moment,
        operation: Operation,
        key: &str,
    ) -> Result<(), StoreFault> {
        let Some(fate) = self.fate.upgrade() else { return Ok(()) };
        let who = self.who;
        if moment == Moment::After {
            if operation == Operation::Publish {
                fate.published(who, key);
            }
            let dies = |what: &What| *what == What::DiesUnheard(operation);
            if fate.strikes(who, dies, key).is_some() {
                fate.reach("restock died before it heard of a write");
                fate.die(who).await;
            }
            fate.call(who, || format!("{operation:?} {key}: done")).await;
            let answers =
                |what: &What| matches!(what, What::StoreAnswer(of, _) if *of == operation);
            if let Some(What::StoreAnswer(_, fault)) = fate.strikes(who, answers, key) {
                fate.reach("an answer to a write got lost");
                fate.struck(operation, key);
                return Err(fault);
            }
            return Ok(());
        }
        fate.may(who, operation, key);
        if operation == Operation::Publish {
            fate.state().seats[who].asked_at = Some(Instant::now());
        }
        fate.call(who, || format!("{operation:?} {key}")).await;
        fate.around(who, operation, key).await;
        let fails = |what: &What| matches!(what, What::Store(of, _) if *of == operation);
        if let Some(What::Store(_, fault)) = fate.strikes(who, fails, key) {
            fate.reach(word(operation));
            fate.struck(operation, key);
            return Err(fault);
        }
        if operation == Operation::Publish {
            fate.about_to_publish(who, key);
        }
        Ok(())
    }

    fn swallows(&self, key: &str) -> bool {
        let Some(fate) = self.fate.upgrade() else { return false };
        let is_it = |what: &What| matches!(what, What::Swallows(_));
        let Some(What::Swallows(beaten)) = fate.strikes(self.who, is_it, key) else { return false };
        fate.reach("a completion was called done and was not");
        fate.touch(key);
        fate.state().seen.mangled = true;
        let thing = things().iter().position(|thing| thing.key == key);
        if let (true, Some(hands), Some(n)) = (beaten, fate.hands(), thing) {
            hands.happen(Happening::Overwrite(n, Wrong::SameSize));
        }
        true
    }

    fn retell(
        &self,
        prefix: &str,
        mut pages: Vec<ListedPage>,
    ) -> Vec<Result<ListedPage, StoreFault>> {
        let Some(fate) = self.fate.upgrade() else { return pages.into_iter().map(Ok).collect() };
        let who = self.who;
        for page in &mut pages {
            page.objects.retain(|object| {
                let hides = fate.strikes(who, |what| *what == What::Hides, &object.key).is_some();
                if hides {
                    fate.reach("a listing hid an object");
                    fate.touch(&object.key);
                    fate.state().seen.hidden.insert(object.key.clone());
                }
                !hides
            });
            for object in &mut page.objects {
                if fate.strikes(who, |what| *what == What::Lies, &object.key).is_some() {
                    fate.reach("a listing told another size");
                    fate.touch(&object.key);
                    object.size += 1;
                }
            }
        }
        let listed =
            |key: &str| pages.iter().flat_map(|page| &page.objects).any(|object| object.key == key);
        let absent = things().iter().filter(|t| t.key.starts_with(prefix) && !listed(&t.key));
        let mut ghosts = Vec::new();
        for thing in absent {
            if fate.state().seen.hidden.contains(&thing.key) {
                continue;
            }
            if fate.strikes(who, |what| *what == What::Ghost, &thing.key).is_some() {
                fate.reach("a listing showed what is gone");
                fate.touch(&thing.key);
                fate.state().seen.ghosts.insert(thing.key.clone());
                ghosts.push(Observed {
                    key: thing.key.clone(),
                    size: thing.bytes.len() as u64,
                    modified: None,
                    archived: false,
                });
            }
        }
        let date = pages.first().and_then(|page| page.date);
        pages.push(ListedPage { objects: ghosts, unaddressable: Vec::new(), date });
        if fate.strikes(who, |what| *what == What::Repeats, prefix).is_some() {
            fate.reach("a listing handed its pages out twice");
            pages.extend(pages.clone());
        }
        pages.into_iter().map(Ok).collect()
    }

    fn probed(&self, key: &str, truth: Option<ObjectMeta>) -> Option<ObjectMeta> {
        let fate = self.fate.upgrade()?;
        let who = self.who;
        let denies = |what: &What| *what == What::HeadDenies;
        let claims = |what: &What| *what == What::HeadClaims;
        let told = match truth {
            Some(_) if fate.strikes(who, denies, key).is_some() => {
                fate.reach("a HEAD denied what is there");
                fate.touch(key);
                fate.state().seen.denied.insert(key.to_owned());
                None
            }
            None if fate.strikes(who, claims, key).is_some() => {
                fate.reach("a HEAD claimed what is not there");
                fate.touch(key);
                fate.state().seen.ghosts.insert(key.to_owned());
                let thing = things().iter().find(|thing| thing.key == key);
                let size = thing.map_or(1, |thing| thing.bytes.len() as u64);
                Some(ObjectMeta { size, etag: Some("ghost".to_owned()), modified: None })
            }
            truth => truth,
        };
        fate.state().seats[who].probes.insert(key.to_owned(), (Instant::now(), told.clone()));
        told
    }
}

#[async_trait]
impl Hindrance for Ear {
    async fn meet(&self, action: &'static str, subject: &str) -> Result<(), String> {
        let Some(fate) = self.fate.upgrade() else { return Ok(()) };
        let who = self.who;
        fate.call(who, || format!("{action} {subject}")).await;
        if action == "fetch" {
            if subject.contains(DENIED) {
                fate.wrong(format!("I10: {subject} is asked, which the policy denies"));
            }
            let thing = thing_asked(subject);
            let key = thing.map_or("", |thing| thing.key.as_str());
            let fails = fate.strikes(who, |what| *what == What::Source, key).is_some();
            fate.asks(who, subject, !fails);
            if fails {
                fate.reach("a source failed once");
                fate.touch(key);
                return Err("connection reset".to_owned());
            }
            return Ok(());
        }
        if action == "rows" {
            let mut state = fate.state();
            state.seats[who].rows_read_at = state.row_changes;
        }
        let fails = |what: &What| matches!(what, What::Catalog(of) if *of == action);
        if fate.strikes(who, fails, "").is_some() {
            fate.reach("the catalog failed");
            let mut state = fate.state();
            state.seen.all |= subject.is_empty();
            state.seen.catalog.insert(subject.to_owned());
            return Err("the connection was lost".to_owned());
        }
        Ok(())
    }
}

#[async_trait]
impl interference::Interference for Ear {
    async fn meet(
        &self,
        moment: interference::Moment,
        action: &'static str,
    ) -> Result<(), BoxError> {
        let Some(fate) = self.fate.upgrade() else { return Ok(()) };
        let is_after = moment == interference::Moment::After;
        if moment == interference::Moment::Between {
            fate.reach("a write of the ledger was half done");
        }
        if !is_after {
            fate.call(self.who, || format!("ledger {action}")).await;
            fate.state().seats[self.who].records |= action == "record_pass";
        }
        let fails = |what: &What| match what {
            What::Ledger(of) => *of == action && !is_after,
            What::LedgerAnswer(of) => *of == action && is_after,
            _ => false,
        };
        if fate.strikes(self.who, fails, "").is_some() {
            let what =
                if is_after { "an answer of the ledger got lost" } else { "the ledger failed" };
            fate.reach(what);
            fate.state().seen.ledger = true;
            return Err("disk full".into());
        }
        Ok(())
    }
}

fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Check => "the store failed a check",
        Operation::List => "a listing failed",
        Operation::Page => "a listing broke off",
        Operation::Probe => "a HEAD failed",
        Operation::Read => "a GET failed",
        Operation::Chunk => "a GET broke off",
        Operation::Stage => "an upload did not begin",
        Operation::Write => "a part failed",
        Operation::Seal => "the last part failed",
        Operation::Publish | Operation::PublishAnswer => "a completion failed",
        Operation::SetAside => "a copy failed",
        Operation::Sweep => "an abort failed",
        Operation::Remove | Operation::RemoveAnswer => "a removal failed",
    }
}
