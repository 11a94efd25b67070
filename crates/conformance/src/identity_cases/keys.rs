use keymint_domain::verify::Owner;
use keymint_domain::{ErrorCode, Policy};
use keymint_ports::{IdentityStore as _, KeyStore as _};

use crate::IdentityEngine;
use crate::sample::{self, NOW, owner};
use crate::support::{code, open_two, settle_one};

pub async fn a_user_who_signed_up_is_an_owner_who_is_there<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    let mut strict = Policy::default();
    strict.require_owner = true;
    let gone = Some(ErrorCode::InvalidReferenceIdFromApiKey);
    assert_eq!(code(&settle_one(&*other, &sample::attempt("key"), &strict, NOW).await), gone);
    store.insert_user(&sample::new_user("Ada"), &sample::session("1", "Ada"), &sample::UNRECORDED).await.unwrap();
    assert_eq!(
        code(&settle_one(&*other, &sample::attempt("key"), &strict, NOW).await),
        gone,
        "ids are compared by bytes"
    );
    store.insert_user(&sample::new_user("ada"), &sample::session("2", "ada"), &sample::UNRECORDED).await.unwrap();
    for handle in [&other, &store] {
        assert_eq!(code(&settle_one(&**handle, &sample::attempt("key"), &strict, NOW).await), None);
    }
    engine.put_owner(&owner("ada"), Owner::Absent).await;
    assert_eq!(code(&settle_one(&*other, &sample::attempt("key"), &strict, NOW).await), gone);
}
