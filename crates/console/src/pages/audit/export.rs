//! The events as a file.

use actix_web::HttpResponse;
use actix_web::http::header;
use keymint_actix::ApiError;
use keymint_actix::views::EventForm;
use keymint_service::stopwatch;

use crate::answer::Answer;
use crate::ask::Ask;
use crate::form::Problems;
use crate::visitor::Visitor;

/// The largest number of events of a file, and about the number in which it may end earlier.
pub(super) const MOST: u64 = 5000;

/// The largest position that a database counts to.
const LAST: u64 = i64::MAX.unsigned_abs();

pub(crate) async fn download(ask: Ask, visitor: Visitor) -> Answer {
    let Some(audit) = &ask.api().audit else { return Err(ApiError::NotFound.into()) };
    let mut problems = Problems::default();
    let query = super::filter::read(&ask.query, 1, &mut problems);
    if !problems.is_empty() {
        return super::answer(&ask, &visitor, Problems::default()).await;
    }
    let word = ask.query.get("format").unwrap_or("json");
    let form = EventForm::ALL.iter().find(|(name, _)| *name == word).map(|(_, form)| *form);
    let after = ask.query.get("after").map_or(Some(0), |text| text.parse::<u64>().ok().filter(|after| *after <= LAST));
    if form.is_none() {
        problems.add("format", "Choose one of the forms.");
    }
    if after.is_none() {
        problems.add("after", "Enter a position: 0, or the number at the end of the name of the file before.");
    }
    let (Some(form), Some(after)) = (form, after) else {
        return super::answer(&ask, &visitor, problems).await;
    };
    audit.note_read(ask.context(&visitor), &query).await?;
    let began = stopwatch();
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let start = audit.chain().await?.start.position;
    let mut export = audit.export(query, after.max(start));
    let (mut lines, mut number, mut last) = (String::new(), 0, after);
    'portions: while began.elapsed() < ask.time_for_portions() {
        let _turn = ask.request.turn_to_list().await?;
        let Some(portion) = export.next().await? else { break };
        for event in &portion.events {
            lines += &form.line(event);
            lines.push('\n');
            (number, last) = (number + 1, event.position);
            if number >= most {
                break 'portions;
            }
        }
        last = last.max(export.position());
    }
    let name = format!("attachment; filename=\"keymint-audit-{word}-{last}.jsonl\"");
    let answer = HttpResponse::Ok()
        .content_type("application/x-ndjson; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .body(lines);
    Ok(answer)
}
