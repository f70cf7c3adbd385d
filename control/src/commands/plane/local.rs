//! Working on a store itself.

use std::sync::Arc;

use graylane_store::{Manifest, Place, Store, open};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{History, Published, Told, understood};
use crate::{
    clock::Clock,
    failure::Failure,
    revisions::{
        Refusal, Revisions,
        json::{Answer, Asked, Texts, Verb, revision},
    },
};

/// So many namespaces are named at most.
const NAMES: usize = 20;

/// Makes a revision.
pub fn make(place: &Place, namespace: &str, verb: Verb, asked: Asked) -> Result<Told<Answer>, Failure> {
    if asked.wait_millis.is_some() {
        let option = if asked.promise_millis.is_some() { "--within" } else { "--wait" };
        let found = format!("{option}: found it with a store, which knows no Envoy");
        return Err(Failure::unable(format!("{found}; expected it with a control plane: --control URL")));
    }
    if verb != Verb::Publish || asked.dry_run {
        expect_store(place)?;
    }
    on(place, namespace, async |revisions| {
        let actor = asked.actor.clone().unwrap_or_else(super::actor);
        let proposal = revisions.proposal(asked, verb, actor).await.map_err(|why| refused(&why))?;
        let made = revisions.make(&proposal).await.map_err(|why| refused(&why))?;
        told(&Answer::of(&made), place)
    })
}

/// The revisions before `before`.
pub fn history(place: &Place, namespace: &str, before: Option<&str>, limit: usize) -> Result<Told<History>, Failure> {
    reading(place, namespace, async |revisions| {
        let head = revisions.head().await.map_err(Failure::unable)?;
        let before = before.map(|text| revision(text, head)).transpose().map_err(Failure::refused)?;
        let found = revisions.history(before, limit).await.map_err(|why| refused(&why))?;
        told(&json!({"namespace": namespace, "head": head.map(|head| head.to_string()), "revisions": found}), place)
    })
}

/// The manifest of a revision.
pub fn manifest(place: &Place, namespace: &str, name: &str) -> Result<Told<Manifest>, Failure> {
    reading(place, namespace, async |revisions| told(&named(&revisions, name).await?, place))
}

/// The documents of a revision.
pub fn documents(place: &Place, namespace: &str, name: &str) -> Result<Told<Texts>, Failure> {
    reading(place, namespace, async |revisions| {
        let manifest = named(&revisions, name).await?;
        told(&revisions.texts(&manifest).await.map_err(Failure::unable)?, place)
    })
}

/// A revision with its documents.
pub fn published(place: &Place, namespace: &str, name: &str) -> Result<Published, Failure> {
    reading(place, namespace, async |revisions| {
        let manifest = named(&revisions, name).await?;
        let texts = revisions.texts(&manifest).await.map_err(Failure::unable)?;
        Ok(Published { place: place.to_string(), texts })
    })
}

async fn named(revisions: &Revisions, name: &str) -> Result<Manifest, Failure> {
    let Some(head) = revisions.head().await.map_err(Failure::unable)? else {
        return Err(nothing_in(&*revisions.store, &revisions.namespace).await);
    };
    let number = match name {
        "head" => head,
        name => revision(name, Some(head)).map_err(Failure::refused)?,
    };
    let found = graylane_store::manifest(&*revisions.store, &revisions.namespace, number).await;
    found.map_err(Failure::unable)?.map_err(Failure::refused)
}

/// That nothing is published in `namespace` of the store at `place`, with the names of those where something is.
pub fn nothing_published(place: &Place, namespace: &str) -> Failure {
    let found = on_store(async {
        let store = open(place).await.map_err(Failure::unable)?;
        Ok(nothing_in(&*store, namespace).await)
    });
    found.unwrap_or_else(|why| why)
}

async fn nothing_in(store: &dyn Store, namespace: &str) -> Failure {
    let found = format!("found nothing published in {namespace}, expected revisions");
    match store.namespaces().await {
        Ok(names) if names.is_empty() => Failure::refused(format!("{found}; there are none in {}", store.place())),
        Ok(names) => {
            let some: Vec<_> = names.iter().take(NAMES).map(String::as_str).collect();
            let more = if names.len() > some.len() { ", …" } else { "" };
            Failure::refused(format!("{found}; there are: {}{more}", some.join(", ")))
        }
        Err(why) => Failure::unable(why),
    }
}

/// That there is a store: whoever reads makes none, for a name that is misspelt would be an empty one.
///
/// # Errors
/// Where there is none.
pub fn expect_store(place: &Place) -> Result<(), Failure> {
    match place {
        Place::Redb(path) if !path.exists() => {
            let expected = "expected a store, as graylane serve --store and publish --store make it";
            Err(Failure::unable(format!("{place}: found no such file, {expected}")))
        }
        _ => Ok(()),
    }
}

fn reading<T>(
    place: &Place,
    namespace: &str,
    work: impl AsyncFnOnce(Arc<Revisions>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    expect_store(place)?;
    on(place, namespace, work)
}

fn on<T>(
    place: &Place,
    namespace: &str,
    work: impl AsyncFnOnce(Arc<Revisions>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    on_store(async {
        let store = open(place).await.map_err(Failure::unable)?;
        work(Arc::new(Revisions::new(store, namespace, Clock::system(), Vec::new()))).await
    })
}

/// Does work on a store, to its end.
///
/// # Errors
/// Those of the work.
pub fn on_store<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::unable(format!("no threads to work with: {why}")))?;
    runtime.block_on(work)
}

fn told<T: DeserializeOwned>(value: &impl Serialize, place: &Place) -> Result<Told<T>, Failure> {
    understood(serde_json::to_value(value).map_err(Failure::unable)?, &place.to_string())
}

fn refused(why: &Refusal) -> Failure {
    match why {
        Refusal::Store(_) | Refusal::Unknown { .. } => Failure::unable(why),
        Refusal::Broken(findings) => Failure::refused(why).because_of(findings.clone()),
        _ => Failure::refused(why),
    }
}
