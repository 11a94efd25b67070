use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::identity::{Email, NewUser, Session, SessionToken, User, erased_email};
use keymint_domain::{Timestamp, UserId};
use keymint_ports::{Credential, Erased, IdentityStore, StoreError};

use crate::MemoryStore;
use crate::state::State;

#[async_trait]
impl IdentityStore for MemoryStore {
    async fn insert_user(&self, new: &NewUser, session: &Session, origin: &Origin) -> Result<(), StoreError> {
        let mut state = self.lock();
        let NewUser { user, account_id: _, password_hash } = new;
        let is_taken = |other: &Credential| other.user.id == user.id || other.user.email == user.email;
        if state.users().any(is_taken) || is_session_taken(&state, session) {
            return Err(StoreError::Duplicate);
        }
        let credential = Credential { user: user.clone(), password_hash: Some(password_hash.clone()) };
        state.put_user(credential);
        state.events.add(origin.user_created(user));
        state.sessions.insert(session.token.clone(), session.clone());
        Ok(())
    }

    async fn find_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        Ok(self.lock().user(id).map(|credential| credential.user.clone()))
    }

    async fn find_credential(&self, email: &Email) -> Result<Option<Credential>, StoreError> {
        let state = self.lock();
        let found = state.users().find(|credential| credential.user.email == email.as_str());
        Ok(found.cloned())
    }

    async fn insert_session(&self, session: &Session, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        if state.user(&session.user_id).is_none() {
            return Ok(false);
        }
        if is_session_taken(&state, session) {
            return Err(StoreError::Duplicate);
        }
        state.sessions.insert(session.token.clone(), session.clone());
        state.events.add(origin.signed_in(session));
        Ok(true)
    }

    async fn find_session(&self, token: &SessionToken) -> Result<Option<(Session, User)>, StoreError> {
        let state = self.lock();
        let session = state.sessions.get(token);
        let found = session.and_then(|session| Some((session, state.user(&session.user_id)?)));
        Ok(found.map(|(session, credential)| (session.clone(), credential.user.clone())))
    }

    async fn refresh_session(
        &self,
        token: &SessionToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some(session) = state.sessions.get_mut(token) else {
            return Ok(false);
        };
        session.expires_at = expires_at;
        session.updated_at = now;
        Ok(true)
    }

    async fn remove_session(&self, token: &SessionToken, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let removed = state.sessions.remove(token);
        state.events.add(removed.as_ref().and_then(|session| origin.signed_out(&session.user_id)));
        Ok(removed.is_some())
    }

    async fn erase_user(&self, id: &UserId, now: Timestamp, origin: &Origin) -> Result<Option<Erased>, StoreError> {
        let mut state = self.lock();
        let Some(mut user) = state.user(id).map(|credential| credential.user.clone()) else {
            return Ok(None);
        };
        (user.name, user.email, user.image, user.updated_at) = (String::new(), erased_email(id), None, now);
        state.put_user(Credential { user, password_hash: None });
        let before = state.sessions.len();
        state.sessions.retain(|_, session| session.user_id != *id);
        let sessions = (before - state.sessions.len()) as u64;
        for key in state.usage.forget_networks_of(id) {
            state.networks.remove(&key);
        }
        // They have names, and nobody wants them back.
        state.deleted.retain(|_, (key, _)| *id != key.details.owner);
        let events = state.events.erase(id);
        state.events.add(origin.user_erased(id, events, sessions));
        Ok(Some(Erased { events, sessions }))
    }

    async fn keep_secret(&self, offered: &str) -> Result<String, StoreError> {
        Ok(self.lock().secret.get_or_insert_with(|| offered.to_owned()).clone())
    }
}

fn is_session_taken(state: &State, session: &Session) -> bool {
    state.sessions.values().any(|other| other.id == session.id || other.token == session.token)
}
