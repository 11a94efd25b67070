#![doc = include_str!("../README.md")]
#![expect(clippy::print_stderr, reason = "a program for the command line")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::future::try_join_all;
use keymint_domain::key::{Field, NewKey, PlainKey};
use keymint_domain::{Configuration, OwnerId, Policy, Timestamp};
use keymint_ports::{FakeClock, SeededEntropy, Unmetered};
use keymint_service::{Caller, CreateKey, Keys, Usage, UsageOptions, VerifyKey};
use keymint_store_memory::MemoryStore;
use tokio::runtime::Builder;

const KEYS: usize = 1000;
const PLENTY: u64 = 2_147_483_647;

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}; arguments: VERIFICATIONS IN_FLIGHT [usage]");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let mut words: Vec<_> = std::env::args().skip(1).collect();
    let counts_usage = words.pop_if(|word| word == "usage").is_some();
    let numbers: Vec<usize> = words.iter().map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [verifications, in_flight] = numbers[..] else {
        return Err("two numbers are needed".into());
    };
    let rounds = verifications.checked_div(in_flight).ok_or("none in flight verify nothing")?;
    Builder::new_current_thread().enable_time().build()?.block_on(async {
        let (keys, texts) = service(counts_usage).await?;
        // A step that shares no factor with the number of keys, so that every key is used.
        let mut turns = (0..KEYS).cycle().step_by(37);
        for _ in 0..rounds {
            let crowd: Vec<_> = turns.by_ref().take(in_flight).map(|turn| verify(&keys, &texts[turn])).collect();
            try_join_all(crowd).await?;
        }
        Ok(())
    })
}

/// Returns a service, and the texts of its keys, each with a quota and a rate limit that never refuse.
async fn service(counts_usage: bool) -> Result<(Keys, Vec<PlainKey>), Failure> {
    let mut configuration = Configuration::default();
    configuration.rate_limit.max_requests = PLENTY;
    let (store, entropy) = (Arc::new(MemoryStore::default()), Arc::new(SeededEntropy::new(1)));
    let clock = Arc::new(FakeClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let options = UsageOptions { enabled: counts_usage, ..UsageOptions::default() };
    let meter = Arc::new(Unmetered);
    let usage = Usage::start(Arc::clone(&store) as _, Arc::clone(&clock) as _, &SeededEntropy::new(2), meter, options);
    let keys = Keys::builder(store)
        .policy(Policy::new(vec![configuration])?)
        .clock(clock)
        .entropy(entropy)
        .usage(Arc::new(usage))
        .build();
    let mut texts = Vec::new();
    for _ in 0..KEYS {
        let new = NewKey { remaining: Field::Given(PLENTY), ..NewKey::default() };
        texts.push(keys.create(&Caller::Server, CreateKey::of(OwnerId::parse("ada")?, new)).await?.plain);
    }
    Ok((keys, texts))
}

async fn verify(keys: &Keys, text: &PlainKey) -> Result<(), Failure> {
    let verdict = keys.verify(&Caller::Server, VerifyKey::of(text.clone())).await?;
    verdict.accepted().map(drop).ok_or_else(|| "a key was refused".into())
}
