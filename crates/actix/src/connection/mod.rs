//! What one connection may hold and how long it may wait: one request at a time, and a deadline for a client that does
//! not send the rest of a request or does not read its answers.

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

/// A connection of HTTP/1.1 that hands over one request at a time: the next one once the answer before it is written and
/// sent. Actix by itself reads ahead, and writes an answer by what it read last (the method, the version, whether to keep
/// the connection), so that one in front of a `HEAD` lost its body.
///
/// It only decides when bytes are handed over. All that is sent reaches actix unchanged, which alone judges it; but a body whose
/// trailers actix would never see the end of ends where they go wrong.
#[derive(Debug)]
pub(crate) struct Connection<T> {
    io: T,
    patience: Patience,
    framing: Framing,
    turn: Rc<Turn>,
    /// Requests that were handed over whole.
    handed: u64,
    /// What has arrived of later requests.
    held: BytesMut,
    has_ended: bool,
    waiting: Option<(Wait, Pin<Box<Sleep>>)>,
    unread: Option<Pin<Box<Sleep>>>,
}

/// How long a client may keep its connection busy without getting on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For the head of a request, once it has begun, and for a body that nobody reads.
    pub(crate) request: Duration,
    /// For some part of what was sent to be read.
    pub(crate) answer: Duration,
}

/// What the client owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The rest of a head. The rest of a body is the business of those who read it.
    Head,
    /// The rest of a body that nobody reads any more.
    Body,
}

/// How long the rest of a request is thrown away before its connection is closed, so that the client gets to read the
/// answer: a close before that resets the connection.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// Bytes of later requests that are taken from the network.
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

    /// Where those who answer say that they have.
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

    /// Ready when the client has owed the rest of its request for too long.
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

    /// Hands over as much of `held` as belongs to the request that is being read.
    fn hand_over_held(&mut self, buf: &mut ReadBuf<'_>) {
        let fits = buf.remaining().min(self.held.len());
        let own = self.framing.advance(&self.held[..fits]);
        buf.put_slice(&self.held.split_to(own));
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }

    /// The result of a write or a flush, or an error where the client has read nothing for too long.
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
    /// Looks at what comes while a request is being answered, so that a connection that breaks is noticed.
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
            // Whoever was told that the connection closes sends what follows again, on another one.
            if this.turn.closes() {
                return Poll::Ready(Ok(()));
            }
            this.framing = Framing::default();
        }
        // The end of the connection, to those who read: actix sends what it has to say, and closes it.
        if this.has_ended && this.held.is_empty() || this.framing.is_broken() || this.poll_owed(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        if this.held.is_empty() {
            let before = buf.filled().len();
            if Pin::new(&mut this.io).poll_read(cx, buf)?.is_pending() {
                // An answer that does not wait for the body begins the time that is left for it.
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
