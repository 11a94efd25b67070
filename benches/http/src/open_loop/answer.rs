use crate::Failure;

/// Returns true if the answer is complete, by its content length.
///
/// It is an error if its status is not 200, or if there is more: the next request has not been sent.
pub(super) fn is_whole(read: &[u8]) -> Result<bool, Failure> {
    const MOST_FIELDS: usize = 32;
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(head) = answer.parse(read)? else { return Ok(false) };
    if answer.code != Some(200) {
        return Err(format!("not every request was answered with 200: {}", String::from_utf8_lossy(read)).into());
    }
    let length = answer.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let length: usize = std::str::from_utf8(length.ok_or("an answer without a content length")?.value)?.parse()?;
    let left = head.checked_add(length).ok_or("an answer that is too long")?;
    if read.len() > left {
        return Err("an answer goes on after its end".into());
    }
    Ok(read.len() == left)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nratelimit: \"rate\";r=1\r\nContent-Length: 16\r\n\r\n{\"valid\":true}\r\n";

    #[test]
    fn an_answer_is_whole_with_its_last_byte() {
        for end in 0..ANSWER.len() {
            assert!(!is_whole(&ANSWER[..end]).unwrap(), "{end}");
        }
        assert!(is_whole(ANSWER).unwrap());
    }

    #[test]
    fn an_answer_may_have_no_body() {
        assert!(is_whole(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap());
    }

    #[test]
    fn nothing_may_follow_an_answer() {
        assert!(is_whole(&[ANSWER, b"H"].concat()).is_err());
    }

    #[test]
    fn other_answers_are_errors() {
        for head in ["HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0", "HTTP/1.1 200 OK\r\nage: 1", "SSH-2.0"] {
            assert!(is_whole(format!("{head}\r\n\r\n").as_bytes()).is_err(), "{head}");
        }
    }
}
