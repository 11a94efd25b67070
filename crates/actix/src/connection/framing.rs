//! The end of a request in the bytes of a connection, by the rules of RFC 9112, section 6.3.

/// Follows one request. It validates nothing: bytes that are no request are taken whole, for actix to refuse.
#[derive(Debug, Default)]
pub(super) struct Framing {
    part: Part,
    body: Body,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    /// True if the last byte of that line was a CR.
    has_cr: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Empty lines before a request are skipped.
    #[default]
    Start,
    Head,
    /// So many bytes, and then the size of the next chunk, or the end.
    Bytes {
        left: u64,
        of_chunk: bool,
    },
    ChunkSize,
    Trailers,
    /// All that comes: what follows is no HTTP.
    Rest,
    /// Its trailers are of no form that actix sees the end of.
    Broken,
    Whole,
}

/// The framing of a body. The last of several counts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Body {
    #[default]
    None,
    Length(u64),
    Rest,
    Chunked,
}

/// The length of a line that may matter, in bytes.
const LINE: usize = 256;

/// Bytes of a field that may say how the body is framed: as many as actix takes of a head. Any part of it may be padding.
const FIELD: usize = 128 * 1024;

impl Framing {
    /// Returns true if the whole request has been seen.
    pub(super) fn is_whole(&self) -> bool {
        self.part == Part::Whole
    }

    /// Returns true if its end cannot be told. What follows may be a part of it or another request.
    pub(super) fn is_broken(&self) -> bool {
        self.part == Part::Broken
    }

    /// Returns true if its head has begun and not ended.
    pub(super) fn is_inside_head(&self) -> bool {
        self.part == Part::Head || self.part == Part::Start && !self.line.is_empty()
    }

    /// Returns true if its head has ended and its body has not.
    pub(super) fn is_inside_body(&self) -> bool {
        !matches!(self.part, Part::Start | Part::Head | Part::Broken | Part::Whole)
    }

    /// Looks at the next bytes, and returns how many of them belong to the request.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut seen = 0;
        while seen < bytes.len() && !self.is_whole() && !self.is_broken() {
            let rest = &bytes[seen..];
            seen += match self.part {
                Part::Rest | Part::Broken | Part::Whole => rest.len(),
                Part::Bytes { left, of_chunk } => self.take(left, of_chunk, rest.len()),
                Part::Start | Part::Head | Part::ChunkSize | Part::Trailers => self.read_line(rest),
            };
        }
        seen
    }

    fn take(&mut self, left: u64, of_chunk: bool, there: usize) -> usize {
        let taken = usize::try_from(left).map_or(there, |left| left.min(there));
        self.part = match left - taken as u64 {
            0 if of_chunk => Part::ChunkSize,
            0 => Part::Whole,
            left => Part::Bytes { left, of_chunk },
        };
        taken
    }

    fn read_line(&mut self, bytes: &[u8]) -> usize {
        let end = memchr::memchr(b'\n', bytes);
        let text = &bytes[..end.unwrap_or(bytes.len())];
        let has_cr = text.last().map_or(self.has_cr, |last| *last == b'\r');
        self.has_cr = has_cr && end.is_none();
        if end.is_some() && self.line.is_empty() {
            self.end_line(text, has_cr);
        } else {
            self.keep(text);
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                self.end_line(&line, has_cr);
            }
        }
        end.map_or(bytes.len(), |end| end + 1)
    }

    /// Keeps what may matter of a line that has not come whole.
    fn keep(&mut self, text: &[u8]) {
        let most = match self.part {
            Part::Head if may_frame(if self.line.is_empty() { text } else { &self.line }) => FIELD,
            _ => LINE,
        };
        // Before a size any number of zeros says nothing.
        let zeros = match self.part {
            Part::ChunkSize if self.line.is_empty() || self.line == b"0" => {
                let zeros = text.iter().take_while(|byte| **byte == b'0').count();
                if self.line.is_empty() { zeros.saturating_sub(1) } else { zeros }
            }
            _ => 0,
        };
        let text = &text[zeros..];
        self.line.extend_from_slice(&text[..text.len().min(most.saturating_sub(self.line.len()))]);
    }

    fn end_line(&mut self, line: &[u8], has_cr: bool) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.part {
            Part::Start if !line.is_empty() => {
                if line.starts_with(b"CONNECT ") {
                    self.body = Body::Rest;
                }
                self.part = Part::Head;
            }
            Part::Head if line.is_empty() => {
                self.part = match self.body {
                    Body::None | Body::Length(0) => Part::Whole,
                    Body::Length(left) => Part::Bytes { left, of_chunk: false },
                    Body::Rest => Part::Rest,
                    Body::Chunked => Part::ChunkSize,
                }
            }
            Part::Head => self.body = self.body.max(Body::by_field(line)),
            Part::ChunkSize => {
                self.part = match chunk_size(line) {
                    Some(0) => Part::Trailers,
                    // A line ends each chunk.
                    Some(size) => Part::Bytes { left: size.saturating_add(2), of_chunk: true },
                    None => Part::Rest,
                }
            }
            // Actix would take what follows for more of the trailers.
            Part::Trailers if !has_cr => self.part = Part::Broken,
            Part::Trailers if line.is_empty() => self.part = Part::Whole,
            Part::Start | Part::Trailers | Part::Bytes { .. } | Part::Rest | Part::Broken | Part::Whole => {}
        }
    }
}

impl Body {
    /// Returns the framing that a field of the head states.
    fn by_field(line: &[u8]) -> Self {
        if !may_frame(line) {
            return Self::None;
        }
        let Some((name, value)) = memchr::memchr(b':', line).map(|colon| line.split_at(colon)) else {
            return Self::None;
        };
        let value = value[1..].trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).map_or(Self::None, Self::Length)
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") && value.eq_ignore_ascii_case(b"chunked") {
            Self::Chunked
        } else if name.eq_ignore_ascii_case(b"upgrade") && value.eq_ignore_ascii_case(b"websocket") {
            Self::Rest
        } else {
            Self::None
        }
    }
}

/// Returns true if a field may be one of the three that frame a body. Most are not.
fn may_frame(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'C' | b'c' | b'T' | b't' | b'U' | b'u'))
}

/// The number before a chunk's extensions.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| !byte.is_ascii_hexdigit()).next()?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: &str = "HEAD /healthz HTTP/1.1\r\n\r\n";

    #[test]
    fn a_request_ends_where_its_framing_says() {
        let (padding, zeros) = (" ".repeat(1000), "0".repeat(1000));
        for request in [
            &format!("POST / HTTP/1.1\r\nContent-Length:{padding}{zeros}5{padding}\r\n\r\n\r\n\r\nx"),
            &format!(
                "POST / HTTP/1.1\r\nTransfer-Encoding:{padding}chunked\r\n\r\n{zeros}4;{zeros}\r\n\r\n\r\n\r\n{zeros}\r\nT: {zeros}\r\n\r\n"
            ),
            "GET / HTTP/1.1\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nContent-Length: 0\r\nX-Content-Length: 7\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-LENGTH:  5 \r\n\r\n\r\n\r\nx",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\n\r\n\r\n\r\nA\r\n0123456789\r\n0\r\nT: u\r\n\r\n",
        ] {
            let both = format!("{request}{NEXT}");
            for step in [1, 2, 3, 7, both.len()] {
                let mut framing = Framing::default();
                let mut seen = 0;
                for bytes in both.as_bytes().chunks(step) {
                    seen += framing.advance(bytes);
                }
                assert_eq!(&both[..seen], request, "{step} at once");
                assert!(framing.is_whole() && !framing.is_inside_head(), "{request}");
            }
        }
    }

    #[test]
    fn trailers_that_end_without_a_cr_break_the_request() {
        for trailers in ["\n", "T: u\n", "T: u\r\n\n", "\r\r\n\n"] {
            let request = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{trailers}");
            let both = format!("{request}{NEXT}");
            for step in [1, 2, 3, 7, both.len()] {
                let mut framing = Framing::default();
                let mut seen = 0;
                for bytes in both.as_bytes().chunks(step) {
                    seen += framing.advance(bytes);
                }
                assert_eq!((&both[..seen], framing.is_broken()), (request.as_str(), true), "{step} at once");
            }
        }
    }

    #[test]
    fn what_is_not_whole_is_told_so() {
        for (bytes, is_inside_head) in [
            ("", false),
            ("\r\n\r\n", false),
            ("G", true),
            ("GET / HTTP/1.1\r\n", true),
            ("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nx", false),
            ("POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\nx", false),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx", false),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", false),
            // What actix refuses, or hands to nobody else.
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\r\n\r\n", false),
            ("CONNECT a:1 HTTP/1.1\r\n\r\n\r\n\r\n", false),
        ] {
            let mut framing = Framing::default();
            assert_eq!(framing.advance(bytes.as_bytes()), bytes.len(), "{bytes:?}");
            assert_eq!((framing.is_whole(), framing.is_inside_head()), (false, is_inside_head), "{bytes:?}");
        }
    }
}
