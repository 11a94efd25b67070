use actix_web::web;

/// Returns the names and values of a query or of a form, in their order; `None` = the text is neither.
pub(crate) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    web::Query::<Vec<(String, String)>>::from_query(text).ok().map(web::Query::into_inner)
}
