//! Connections: one request at a time, and timeouts for clients that do not send the rest of a request or do not read
//! their answers.

mod framing;
mod sent;
mod turn;

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::web::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use framing::Framing;

pub(crate) use sent::Sent;
pub(crate) use turn::{Answering, Turn};

/// An HTTP/1.1 connection that hands over one request at a time: the next one after the previous answer is written and
/// sent. Actix alone reads ahead, and writes an answer by the last request that it read (its method, its version, and
/// keep-alive), so an answer before a `HEAD` lost its body.
///
/// The connection only decides when bytes are handed over. Actix receives all bytes unchanged and validates them. A body
/// whose trailers have no end for actix ends early, as broken.
#[derive(Debug)]
pub(crate) struct Connection<T> {
    io: T,
    patience: Patience,
    framing: Framing,
    turn: Rc<Turn>,
    /// The number of requests that were handed over completely.
    handed: u64,
    /// Bytes of later requests that have arrived.
    held: BytesMut,
    has_ended: bool,
    waiting: Option<(Wait, Pin<Box<Sleep>>)>,
    unread: Option<Pin<Box<Sleep>>>,
}

/// Timeouts of a client that makes no progress.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The timeout of a request's head, from its first byte, and of a body that no handler reads.
    pub(crate) request: Duration,
    /// The timeout of the client's next read of an answer.
    pub(crate) answer: Duration,
}

/// The part of a request that the client has not sent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The rest of a head. Handlers that read a body have their own timeout.
    Head,
    /// The rest of a body that no handler reads any more.
    Body,
}

/// The time for which the rest of a request is discarded before its connection is closed. An earlier close would reset
/// the connection before the client reads the answer.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// The largest number of bytes of later requests that are read ahead.
const AHEAD: usize = 4096;

impl<T> Connection<T> {
    pub(crate) fn new(io: T, patience: Patience) -> Self {
        Self {
            io,
            patience,
            framing: Framing::default(),
            turn: Rc::default(),
            handed: 0,
            held: BytesMut::new(),
            has_ended: false,
            waiting: None,
            unread: None,
        }
    }

    /// Returns the turn, which answers report to.
    pub(crate) fn turn(&self) -> Rc<Turn> {
        Rc::clone(&self.turn)
    }

    fn owed(&self) -> Option<Wait> {
        if self.framing.is_inside_head() {
            Some(Wait::Head)
        } else if self.framing.is_inside_body() && self.turn.answered() > self.handed {
            Some(Wait::Body)
        } else {
            None
        }
    }

    /// Is ready when the rest of the request has timed out.
    fn poll_owed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let owed = self.owed();
        if self.waiting.as_ref().map(|(wait, _)| *wait) != owed {
            self.waiting = owed.map(|wait| {
                let time = if wait == Wait::Body && self.turn.closes() { LINGER } else { self.patience.request };
                (wait, Box::pin(sleep(time)))
            });
        }
        match &mut self.waiting {
            Some((_, deadline)) => deadline.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// Hands over the part of `held` that belongs to the current request.
    fn hand_over_held(&mut self, buf: &mut ReadBuf<'_>) {
        let fits = buf.remaining().min(self.held.len());
        let own = self.framing.advance(&self.held[..fits]);
        buf.put_slice(&self.held.split_to(own));
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }

    /// Returns the result of a write or a flush, or a timeout if the client has read nothing for too long.
    fn wrote<R>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if result.is_ready() {
            if self.unread.take().is_some() {
                self.turn.wake();
            }
            return result;
        }
        let time = self.patience.answer;
        let deadline = self.unread.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> Connection<T> {
    /// Reads ahead while a request is answered, to notice a broken connection.
    fn look_ahead(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.held.is_empty() && !self.has_ended {
            let mut space = [const { MaybeUninit::uninit() }; AHEAD];
            let mut ahead = ReadBuf::uninit(&mut space);
            if let Poll::Ready(result) = Pin::new(&mut self.io).poll_read(cx, &mut ahead) {
                result?;
                self.held.extend_from_slice(ahead.filled());
                self.has_ended = ahead.filled().is_empty();
            }
        }
        if !self.held.is_empty() || self.has_ended {
            self.turn.wait(cx);
        }
        Ok(())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.framing.is_whole() {
            if this.turn.answered() < this.handed || this.unread.is_some() {
                this.look_ahead(cx)?;
                return Poll::Pending;
            }
            // A client that was told of the close sends its next requests again, on another connection.
            if this.turn.closes() {
                return Poll::Ready(Ok(()));
            }
            this.framing = Framing::default();
        }
        // An end of input: actix sends its last answer and closes the connection.
        if this.has_ended && this.held.is_empty() || this.framing.is_broken() || this.poll_owed(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        if this.held.is_empty() {
            let before = buf.filled().len();
            if Pin::new(&mut this.io).poll_read(cx, buf)?.is_pending() {
                // An answer that does not wait for the body starts the body's timeout.
                if this.framing.is_inside_body() {
                    this.turn.wait(cx);
                }
                return Poll::Pending;
            }
            let new = &buf.filled()[before..];
            let own = this.framing.advance(new);
            this.held.extend_from_slice(&new[own..]);
            buf.set_filled(before + own);
        } else {
            this.hand_over_held(buf);
        }
        if this.framing.is_whole() {
            this.handed += 1;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.wrote(cx, result)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_flush(cx);
        this.wrote(cx, result)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_shutdown(cx);
        this.wrote(cx, result)
    }
}
