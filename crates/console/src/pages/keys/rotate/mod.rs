//! A new secret for a key, beside which the one in use stays valid for a while.

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::key::RotationStage;
use keymint_domain::policy::{Cut, RotateSecret, RotationRules};
use keymint_domain::{ApiKey, ErrorCode};
use keymint_service::{ChangeRotation, Deed, RotateKey, ServiceError};

use super::create::{Reveal, Secret};
use crate::answer::{Answer, Failure, page_as, see_other};
use crate::ask::Ask;
use crate::form::{Problems, version};
use crate::layout::{Layout, Section};
use crate::show::{When, duration};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/keys/rotate/page.html")]
struct RotatePage {
    layout: Layout,
    problems: Problems,
    name: String,
    path: String,
    version: String,
    graces: Vec<Grace>,
    pending_days: u32,
    /// True if it was chosen that the former secret may end.
    end_former: bool,
    /// The rotation under way; `None` = there is none.
    open: Option<Open>,
    /// The reason why the key gets no new secret now; empty = it may.
    refused: &'static str,
}

struct Open {
    is_pending: bool,
    start: Option<String>,
    ends_at: Option<When>,
    used_at: Option<When>,
}

/// A time for which the former secret stays valid.
struct Grace {
    value: String,
    text: String,
    is_chosen: bool,
}

const HOUR: u32 = 3600;
const OFFERED: [u32; 3] = [HOUR, 24 * HOUR, 7 * 24 * HOUR];

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key_for(&visitor, Deed::Rotate).await?;
    answer(&ask, &visitor, &key, Problems::default(), StatusCode::OK)
}

/// Answers the secret itself, without a redirect: a secret is at no address.
pub(crate) async fn rotate(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key_for(&visitor, Deed::Rotate).await?;
    super::check_version(&ask.form, &key, &visitor)?;
    let mut problems = Problems::default();
    let Some(rotation) = read(&ask, &mut problems) else {
        return answer(&ask, &visitor, &key, problems, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let details = &key.details;
    let request = RotateKey { id: details.id.clone(), config_id: Some(details.config_id.clone()), rotation };
    match ask.keys().rotate_as_seen(ask.context(&visitor), request, &key).await {
        Ok(Some(minted)) => {
            ask.request.note_change(visitor.actor(), &details.id, Some(&details.owner));
            let layout = Layout::of(&visitor, Section::Keys, "Save the new secret of your key");
            Reveal::new(&ask, &visitor, layout, &minted, Secret::Rotated).await.answer()
        }
        Ok(None) | Err(ServiceError::Refused(ErrorCode::RotationOpen)) => Err(stale(&visitor, &key)),
        Err(ServiceError::Refused(code @ (ErrorCode::KeyRevoked | ErrorCode::KeyExpired | ErrorCode::KeyUnused))) => {
            problems.add("", why(code));
            answer(&ask, &visitor, &key, problems, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn cancel(ask: Ask, visitor: Visitor) -> Answer {
    end(ask, visitor, ChangeRotation::Cancel, "rotation-cancelled").await
}

pub(crate) async fn finish(ask: Ask, visitor: Visitor) -> Answer {
    end(ask, visitor, ChangeRotation::Finish, "rotation-finished").await
}

/// Sends a visitor who comes by a link to the page of the rotation: a link ends nothing.
pub(crate) async fn to_page(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key(&visitor).await?;
    Ok(see_other(&format!("{}/rotate", visitor.path(&key.details.id))))
}

async fn end(ask: Ask, visitor: Visitor, change: ChangeRotation, did: &str) -> Answer {
    let key = ask.key_for(&visitor, Deed::Rotate).await?;
    super::check_version(&ask.form, &key, &visitor)?;
    let details = &key.details;
    let ended = ask.keys().end_rotation_of(ask.context(&visitor), &details.id, Some(&details.config_id), change).await;
    match ended {
        Ok(_) => {
            ask.request.note_change(visitor.actor(), &details.id, Some(&details.owner));
            Ok(see_other(&format!("{}?did={did}", visitor.path(&details.id))))
        }
        Err(ServiceError::Refused(ErrorCode::RotationNotOpen | ErrorCode::RotationConfirmed)) => {
            Err(stale(&visitor, &key))
        }
        Err(error) => Err(error.into()),
    }
}

fn stale(visitor: &Visitor, key: &ApiKey) -> Failure {
    Failure::Stale(format!("{}/rotate", visitor.path(&key.details.id)))
}

fn read(ask: &Ask, problems: &mut Problems) -> Option<RotateSecret> {
    let end_former = ask.form.has("end-former");
    match ask.form.get("grace") {
        Some("now") => Some(RotateSecret { grace_seconds: None, cut: Cut::Now, end_former }),
        Some(word) => {
            let seconds = word.parse().ok().filter(|seconds| RotationRules::GRACE_SECONDS.contains(seconds));
            if seconds.is_none() {
                problems.add("grace", "Choose one of the times.");
            }
            seconds.map(|seconds| RotateSecret { grace_seconds: Some(seconds), cut: Cut::AfterUse, end_former })
        }
        None => {
            problems.add("grace", "Choose how long the former secret stays valid.");
            None
        }
    }
}

fn answer(ask: &Ask, visitor: &Visitor, key: &ApiKey, problems: Problems, status: StatusCode) -> Answer {
    let (name, now) = (super::name(key), ask.now());
    let rules = ask.keys().policy().resolve(&key.details.config_id)?.rotation;
    let template = RotatePage {
        layout: Layout::of(visitor, Section::Keys, format!("Rotate {name}")),
        problems,
        name,
        path: visitor.path(&key.details.id),
        version: version(key),
        graces: graces(rules, ask.form.get("grace")),
        pending_days: rules.max_pending_days.get(),
        end_former: ask.form.has("end-former"),
        open: key.details.rotation.as_ref().map(|rotation| match &rotation.stage {
            RotationStage::Pending(pending) => {
                Open { is_pending: true, start: pending.start.clone(), ends_at: None, used_at: None }
            }
            RotationStage::Grace(former) => Open {
                is_pending: false,
                start: None,
                ends_at: Some(When::relative(former.ends_at, now)),
                used_at: former.used_at.map(|at| When::relative(at, now)),
            },
        }),
        refused: if key.details.revocation.is_some() {
            why(ErrorCode::KeyRevoked)
        } else if key.is_expired(now) {
            why(ErrorCode::KeyExpired)
        } else {
            ""
        },
    };
    page_as(status, &template)
}

fn graces(rules: RotationRules, chosen: Option<&str>) -> Vec<Grace> {
    let default = rules.grace_seconds.to_string();
    let chosen = chosen.unwrap_or(&default);
    let mut seconds: Vec<u32> =
        OFFERED.into_iter().chain([rules.grace_seconds]).filter(|seconds| *seconds > 0).collect();
    seconds.sort_unstable();
    seconds.dedup();
    let grace = |seconds: u32| Grace {
        value: seconds.to_string(),
        text: format!("{} after the first use of the new one", duration(u64::from(seconds) * 1000)),
        is_chosen: seconds.to_string() == chosen,
    };
    let now = Grace {
        value: "now".to_owned(),
        text: "Not at all: it ends now, as for one that leaked".to_owned(),
        is_chosen: chosen == "now",
    };
    seconds.into_iter().map(grace).chain([now]).collect()
}

fn why(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::KeyRevoked => "The key is revoked, and gets no new secret. Make a new key instead.",
        ErrorCode::KeyExpired => {
            "The key has expired, and gets no new secret. Let it live longer first, or make a new key."
        }
        _ => "The key was imported, and was not used yet. It can be rotated after its first use.",
    }
}
