use actix_web::web;

/// The names and values of a query, or of a form, in their order; `None` where it is neither.
pub(crate) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    web::Query::<Vec<(String, String)>>::from_query(text).ok().map(web::Query::into_inner)
}
