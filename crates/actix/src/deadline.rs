//! The time that a request may take.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest};

use crate::error::ApiError;
use crate::live::CurrentApi;

/// The form in which an endpoint tells errors that its handler does not see; it is data of the resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorForm(pub(crate) fn(&HttpRequest, ApiError) -> Error);

/// Bounds the time of a request. When it has passed, the handler's future is dropped.
pub(crate) async fn time_limit<B: MessageBody + 'static>(
    api: CurrentApi,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answered_for = request.request().clone();
    if let Ok(answer) = tokio::time::timeout(api.options.request_timeout, next.call(request)).await {
        return answer.map(ServiceResponse::map_into_left_body);
    }
    let form = answered_for.app_data::<ErrorForm>().copied();
    let tell = |ErrorForm(form)| form(&answered_for, ApiError::Timeout);
    let error = form.map_or_else(|| ApiError::Timeout.into(), tell);
    Ok(ServiceResponse::from_err(error, answered_for).map_into_right_body())
}
