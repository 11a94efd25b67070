use keymint_domain::verify::Owner;
use keymint_domain::{ErrorCode, Policy};
use keymint_ports::KeyStore as _;

use crate::Engine;
use crate::sample::{self, NOW, owner};
use crate::support::{code, settle_one};

pub async fn an_absent_owner_is_refused_only_where_one_is_required<E: Engine>(engine: &E) {
    let store = engine.open().await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    let mut strict = Policy::default();
    strict.require_owner = true;
    let gone = Some(ErrorCode::InvalidReferenceIdFromApiKey);
    for (state, expected) in [(Owner::Absent, gone), (Owner::Present, None), (Owner::Absent, gone)] {
        engine.put_owner(&owner("ada"), state).await;
        let verdict = settle_one(&store, &sample::attempt("key"), &strict, NOW).await;
        assert_eq!(code(&verdict), expected, "{state:?}");
        let lenient = settle_one(&store, &sample::attempt("key"), &Policy::default(), NOW).await;
        assert_eq!(code(&lenient), None, "{state:?}");
    }
}
