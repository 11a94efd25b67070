use async_trait::async_trait;
use keymint_actix::views::{CreatedView, KeyView, PageView, Reader, UnreadableView, VerdictView};
use keymint_domain::KeyId;
use keymint_domain::key::PlainKey;
use keymint_domain::verify::Verdict;
use keymint_domain::{ApiKey, Timestamp};
use keymint_ports::RestoredKey;
use keymint_service::{Caller, ChangeRotation, CreateKey, Keys, ListKeys, Revoked, RotateKey, UpdateKey, VerifyKey};
use serde::Serialize;
use serde_json::json;
use serde_json::value::to_raw_value;

use super::{Answer, KeyBackend};
use crate::cli::{CliResult, refused};

/// The keys of the configured database.
pub(in crate::cli) struct Embedded<'k>(pub(in crate::cli) &'k Keys);

impl Embedded<'_> {
    fn in_full(&self, key: &ApiKey) -> CliResult<Answer> {
        answer(&KeyView::in_full(key, Reader::Server, self.0.policy()))
    }

    /// Shows a key as the endpoints that change keys do.
    fn changed(&self, key: &ApiKey) -> CliResult<Answer> {
        answer(&KeyView::from(key).with_rotation_due(key, self.0.policy()))
    }
}

#[async_trait(?Send)]
impl KeyBackend for Embedded<'_> {
    async fn create(&self, request: CreateKey) -> CliResult<Answer> {
        let minted = self.0.create(&Caller::Server, request).await.map_err(refused)?;
        answer(&CreatedView::new(&minted, self.0.policy()))
    }

    async fn list(&self, request: ListKeys) -> CliResult<Answer> {
        let (limit, offset) = (request.limit, request.offset);
        let page = self.0.list(&Caller::Server, request).await.map_err(refused)?;
        answer(&PageView::new(&page, limit, offset, Reader::Server, self.0.policy()))
    }

    async fn get(&self, id: &KeyId) -> CliResult<Answer> {
        self.in_full(&self.0.get(&Caller::Server, id, None).await.map_err(refused)?)
    }

    async fn verify(&self, request: VerifyKey) -> CliResult<Answer> {
        let presented = request.key.clone();
        let verdict = self.0.verify(&Caller::Server, request).await.map_err(refused)?;
        answer(&VerdictView::new(&verdict, former_end(&verdict, &presented)))
    }

    async fn dry_run(&self, request: VerifyKey) -> CliResult<Answer> {
        let presented = request.key.clone();
        let run = self.0.dry_run(&Caller::Server, request).await.map_err(refused)?;
        answer(&VerdictView::of_dry_run(&run, former_end(&run.verdict, &presented)))
    }

    async fn update(&self, request: UpdateKey) -> CliResult<Answer> {
        self.changed(&self.0.update(&Caller::Server, request).await.map_err(refused)?)
    }

    async fn rotate(&self, request: RotateKey) -> CliResult<Answer> {
        let minted = self.0.rotate(&Caller::Server, request).await.map_err(refused)?;
        answer(&CreatedView::new(&minted, self.0.policy()))
    }

    async fn end_rotation(&self, id: &KeyId, change: ChangeRotation) -> CliResult<Answer> {
        self.changed(&self.0.end_rotation_of(&Caller::Server, id, None, change).await.map_err(refused)?)
    }

    async fn revoke(&self, id: &KeyId) -> CliResult<Answer> {
        match self.0.revoke(&Caller::Server, id, None).await.map_err(refused)? {
            Revoked::Key(key) => self.in_full(&key),
            Revoked::Unreadable(row) => answer(&UnreadableView::from(&row)),
        }
    }

    async fn delete(&self, id: &KeyId) -> CliResult<Answer> {
        self.0.delete(&Caller::Server, id, None).await.map_err(refused)?;
        answer(&json!({ "success": true }))
    }

    async fn restore(&self, id: &KeyId) -> CliResult<Answer> {
        match self.0.restore(&Caller::Server, id, None).await.map_err(refused)? {
            RestoredKey::Key(key) => self.in_full(&key),
            RestoredKey::Unreadable(row) => answer(&UnreadableView::from(&row)),
        }
    }
}

fn answer(view: &impl Serialize) -> CliResult<Answer> {
    Ok(to_raw_value(view)?)
}

/// Returns the end of the presented secret, if it is the former one of a rotation.
fn former_end(verdict: &Verdict, presented: &PlainKey) -> Option<Timestamp> {
    verdict.accepted().and_then(|key| key.former_secret_ends_at(presented))
}
