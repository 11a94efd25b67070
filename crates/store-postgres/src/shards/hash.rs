//! The hash by which Postgres and Citus place a text: Bob Jenkins' `lookup3`, in Postgres' form for little-endian words.

/// Returns what Postgres' `hashtext` returns for a column that compares texts by bytes.
pub(super) fn hash_of(text: &str) -> i32 {
    const START: u32 = 0x9e37_79b9 + 3_923_095;
    let bytes = text.as_bytes();
    // The length is below 2^32: a text has one gigabyte at most.
    let mut state = [START.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX)); 3];
    let (blocks, tail) = bytes.as_chunks::<12>();
    for block in blocks {
        add(&mut state, block);
        mix(&mut state);
    }
    let mut block = [0; 12];
    // The lowest byte of the third word is left to the length.
    let (words, rest) = tail.split_at(tail.len().min(8));
    block[..words.len()].copy_from_slice(words);
    block[9..9 + rest.len()].copy_from_slice(rest);
    add(&mut state, &block);
    finish(&mut state);
    state[2].cast_signed()
}

fn add(state: &mut [u32; 3], block: &[u8; 12]) {
    let (words, _) = block.as_chunks::<4>();
    for (sum, word) in state.iter_mut().zip(words) {
        *sum = sum.wrapping_add(u32::from_le_bytes(*word));
    }
}

fn mix([a, b, c]: &mut [u32; 3]) {
    let turn = |one: &mut u32, two: &mut u32, three: &mut u32, by: u32| {
        *one = one.wrapping_sub(*three) ^ three.rotate_left(by);
        *three = three.wrapping_add(*two);
    };
    for [first, second, third] in [[4, 6, 8], [16, 19, 4]] {
        turn(a, b, c, first);
        turn(b, c, a, second);
        turn(c, a, b, third);
    }
}

fn finish([a, b, c]: &mut [u32; 3]) {
    let turn = |one: &mut u32, two: u32, by: u32| *one = (*one ^ two).wrapping_sub(two.rotate_left(by));
    turn(c, *b, 14);
    turn(a, *c, 11);
    turn(b, *a, 25);
    turn(c, *b, 16);
    turn(a, *c, 4);
    turn(b, *a, 14);
    turn(c, *b, 24);
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgConnection;
    use sqlx::{Connection as _, query_scalar};

    use super::*;

    #[tokio::test]
    async fn a_text_has_the_hash_that_the_server_gives_it() {
        let mut connection = PgConnection::connect(&keymint_test_postgres::database().await).await.unwrap();
        let text = "Zürich, 40 keys: äöü and ßıſ, and no more than that";
        let texts: Vec<&str> = text.char_indices().map(|(end, _)| &text[..end]).collect();
        let ask =
            query_scalar("select hashtext(t) from unnest($1) with ordinality as u (t, n) order by n").bind(&texts);
        let hashes: Vec<i32> = ask.fetch_all(&mut connection).await.unwrap();
        assert_eq!(texts.iter().map(|text| hash_of(text)).collect::<Vec<_>>(), hashes);
    }
}
