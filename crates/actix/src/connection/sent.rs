use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;

use super::Answering;

/// The largest number of bytes of an answer that are copied for the socket at once.
const PIECE: usize = 32 * 1024;

pin_project! {
    /// The body of an answer, in pieces. Actix copies everything that a body yields before it sends it; for a large
    /// body that the client does not read, this would be all of it. The connection's turn ends with the body.
    #[derive(Debug)]
    pub(crate) struct Sent<B> {
        #[pin]
        body: B,
        rest: Bytes,
        answering: Option<Answering>,
    }
}

impl<B> Sent<B> {
    pub(crate) fn new(body: B, answering: Option<Answering>) -> Self {
        Self { body, rest: Bytes::new(), answering }
    }
}

impl<B: MessageBody> MessageBody for Sent<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        if this.rest.is_empty() {
            match ready!(this.body.poll_next(cx)) {
                Some(Ok(bytes)) => *this.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        let piece = this.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(this.rest.split_to(piece))))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use super::*;

    #[actix_web::test]
    async fn a_body_is_sent_whole_and_in_pieces() {
        for bytes in [0, 1, PIECE, PIECE + 1, 3 * PIECE] {
            let whole: Vec<u8> = (0..=u8::MAX).cycle().take(bytes).collect();
            let mut sent = pin!(Sent::new(whole.clone(), None));
            let mut found = Vec::new();
            while let Some(piece) = poll_fn(|cx| sent.as_mut().poll_next(cx)).await {
                let piece = piece.unwrap_or_default();
                assert!(piece.len() <= PIECE, "{} bytes at once", piece.len());
                found.extend_from_slice(&piece);
            }
            assert!(found == whole, "{bytes} bytes");
        }
    }
}
