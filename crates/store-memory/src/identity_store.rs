use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::identity::{EditUser, Email, NewUser, PasswordHash, Session, SessionToken, User, erased_email};
use keymint_domain::link::{Link, LinkPurpose, TokenHash};
use keymint_domain::portal::PortalSession;
use keymint_domain::verify::Ban;
use keymint_domain::{RowId, Timestamp, UserId};
use keymint_ports::{
    BanOutcome, Claimant, Credential, Erased, IdentityStore, ListedUser, NewPassword, SessionsAfter, StoreError,
};

use crate::MemoryStore;
use crate::state::State;

#[async_trait]
impl IdentityStore for MemoryStore {
    async fn insert_user(&self, new: &NewUser, session: &Session, origin: &Origin) -> Result<(), StoreError> {
        add_user(&mut self.lock(), new, session, origin)
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
        let sessions = end_sessions(&mut state, id);
        state.operators.remove(id);
        state.links.retain(|_, link| match &link.purpose {
            LinkPurpose::Claim | LinkPurpose::Form => true,
            LinkPurpose::Reset(user) => user != id,
            LinkPurpose::Portal(grant) => *id != grant.owner,
        });
        state.portal_sessions.retain(|_, session| *id != session.owner);
        for key in state.usage.forget_networks_of(id) {
            state.networks.remove(&key);
        }
        // They have names, and nobody wants them back.
        state.deleted.retain(|_, (key, _)| *id != key.details.owner);
        let events = state.events.erase(id);
        state.events.add(origin.user_erased(id, events, sessions));
        Ok(Some(Erased { events, sessions }))
    }

    async fn insert_user_alone(&self, new: &NewUser, origin: &Origin) -> Result<(), StoreError> {
        put_new_user(&mut self.lock(), new, origin)
    }

    async fn list_users(&self, after: Option<UserId>, limit: NonZeroU32) -> Result<Vec<ListedUser>, StoreError> {
        let state = self.lock();
        let behind = state.users().map(|found| &found.user).filter(|user| Some(&user.id) > after.as_ref());
        let mut users: Vec<_> = behind.cloned().collect();
        users.sort_by(|one, other| one.id.cmp(&other.id));
        users.truncate(limit.get() as usize);
        let listed = |user: User| ListedUser { is_operator: state.operators.contains_key(&user.id), user };
        Ok(users.into_iter().map(listed).collect())
    }

    async fn find_password(&self, id: &UserId) -> Result<Option<PasswordHash>, StoreError> {
        Ok(self.lock().user(id).and_then(|found| found.password_hash.clone()))
    }

    async fn set_password(
        &self,
        id: &UserId,
        password: &NewPassword,
        after: &SessionsAfter,
        _now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some(credential) = state.user(id).cloned() else {
            return Ok(false);
        };
        if let SessionsAfter::Only(session) = after
            && is_session_taken(&state, session)
        {
            return Err(StoreError::Duplicate);
        }
        put_password(&mut state, credential, password);
        let ended = if *after == SessionsAfter::All { 0 } else { end_sessions(&mut state, id) };
        if let SessionsAfter::Only(session) = after {
            state.sessions.insert(session.token.clone(), (**session).clone());
        }
        state.events.add(origin.password_changed(id, false, ended));
        Ok(true)
    }

    async fn list_sessions(&self, id: &UserId) -> Result<Vec<Session>, StoreError> {
        let state = self.lock();
        let mut sessions: Vec<_> = state.sessions.values().filter(|session| session.user_id == *id).cloned().collect();
        sessions.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok(sessions)
    }

    async fn remove_sessions(
        &self,
        id: &UserId,
        kept: Option<SessionToken>,
        origin: &Origin,
    ) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let before = state.sessions.len();
        state.sessions.retain(|token, session| session.user_id != *id || Some(token) == kept.as_ref());
        let ended = (before - state.sessions.len()) as u64;
        if ended > 0 {
            state.events.add(origin.sessions_ended(id, ended));
        }
        Ok(ended)
    }

    async fn update_user(
        &self,
        id: &UserId,
        edit: &EditUser,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<User>, StoreError> {
        let mut state = self.lock();
        let Some(mut credential) = state.user(id).cloned() else {
            return Ok(None);
        };
        let EditUser { name, image } = edit;
        if let Some(name) = name {
            credential.user.name.clone_from(name);
        }
        if let Some(image) = image {
            credential.user.image.clone_from(image);
        }
        credential.user.updated_at = now;
        let user = credential.user.clone();
        state.put_user(credential);
        state.events.add(origin.user_updated(id, edit));
        Ok(Some(user))
    }

    async fn set_ban(
        &self,
        id: &UserId,
        ban: Option<Ban>,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<BanOutcome>, StoreError> {
        let mut state = self.lock();
        let Some(mut credential) = state.user(id).cloned() else {
            return Ok(None);
        };
        (credential.user.ban, credential.user.updated_at) = (ban, now);
        state.put_user(credential);
        let sessions = if ban.is_some() { end_sessions(&mut state, id) } else { 0 };
        state.events.add(origin.ban_set(id, ban, sessions));
        Ok(Some(BanOutcome::Set { sessions }))
    }

    async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(self.lock().users().next().is_some())
    }

    async fn is_operator(&self, id: &UserId) -> Result<bool, StoreError> {
        Ok(self.lock().operators.contains_key(id))
    }

    async fn make_operator(&self, id: &UserId, now: Timestamp, origin: &Origin) -> Result<Option<bool>, StoreError> {
        let mut state = self.lock();
        if state.user(id).is_none() {
            return Ok(None);
        }
        let is_new = !state.operators.contains_key(id);
        if is_new {
            state.operators.insert(id.clone(), now);
            state.events.add(origin.operator_added(id, false));
        }
        Ok(Some(is_new))
    }

    async fn remove_operator(&self, id: &UserId, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let was_kept = state.operators.remove(id).is_some();
        if was_kept {
            state.events.add(origin.operator_removed(id));
        }
        Ok(was_kept)
    }

    async fn insert_link(&self, link: &Link, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let is_possible = match &link.purpose {
            LinkPurpose::Claim => state.operators.is_empty(),
            LinkPurpose::Reset(user) => state.user(user).is_some(),
            LinkPurpose::Portal(_) | LinkPurpose::Form => true,
        };
        if !is_possible {
            return Ok(false);
        }
        if state.links.contains_key(&link.hash) {
            return Err(StoreError::Duplicate);
        }
        state.links.insert(link.hash.clone(), link.clone());
        state.events.add(origin.link_created(link));
        Ok(true)
    }

    async fn find_link(&self, hash: &TokenHash) -> Result<Option<Link>, StoreError> {
        Ok(self.lock().links.get(hash).cloned())
    }

    async fn claim(
        &self,
        hash: &TokenHash,
        claimant: &Claimant,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let link = state.links.get(hash).filter(|link| link.is_valid(now));
        if link.is_none_or(|link| link.purpose != LinkPurpose::Claim) || !state.operators.is_empty() {
            return Ok(false);
        }
        let user = match claimant {
            Claimant::New(new, session) => {
                add_user(&mut state, new, session, origin)?;
                &new.user.id
            }
            Claimant::User(user) if state.user(user).is_none() => return Ok(false),
            Claimant::User(user) => user,
        };
        state.links.remove(hash);
        state.operators.insert(user.clone(), now);
        state.events.add(origin.operator_added(user, true));
        Ok(true)
    }

    async fn reset_password(
        &self,
        hash: &TokenHash,
        password: &NewPassword,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<UserId>, StoreError> {
        let mut state = self.lock();
        let Some(LinkPurpose::Reset(user)) =
            state.links.get(hash).filter(|link| link.is_valid(now)).map(|link| link.purpose.clone())
        else {
            return Ok(None);
        };
        let Some(credential) = state.user(&user).cloned() else {
            return Ok(None);
        };
        put_password(&mut state, credential, password);
        let sessions = end_sessions(&mut state, &user);
        state.events.add(origin.password_changed(&user, true, sessions));
        Ok(Some(user))
    }

    async fn open_portal_session(
        &self,
        link: &TokenHash,
        id: &RowId,
        token: &TokenHash,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<PortalSession>, StoreError> {
        let mut state = self.lock();
        let Some(LinkPurpose::Portal(grant)) =
            state.links.get(link).filter(|link| link.is_valid(now)).map(|link| link.purpose.clone())
        else {
            return Ok(None);
        };
        if state.portal_sessions.values().any(|other| other.id == *id || other.hash == *token) {
            return Err(StoreError::Duplicate);
        }
        state.links.remove(link);
        let session = grant.open(id.clone(), token.clone(), now);
        state.portal_sessions.insert(token.clone(), session.clone());
        state.events.add(origin.portal_session_opened(&session));
        Ok(Some(session))
    }

    async fn find_portal_session(&self, token: &TokenHash) -> Result<Option<PortalSession>, StoreError> {
        Ok(self.lock().portal_sessions.get(token).cloned())
    }

    async fn remove_portal_session(&self, token: &TokenHash, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let removed = state.portal_sessions.remove(token);
        state.events.add(removed.as_ref().and_then(|session| origin.portal_session_ended(session)));
        Ok(removed.is_some())
    }

    async fn purge_links(&self, now: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        let mut state = self.lock();
        let limit = limit.get() as usize;
        let links: Vec<_> = state.links.values().filter(|link| !link.is_valid(now)).take(limit).cloned().collect();
        let sessions = state.portal_sessions.values().filter(|session| !session.is_valid(now));
        let sessions: Vec<_> = sessions.take(limit).map(|session| session.hash.clone()).collect();
        for link in &links {
            state.links.remove(&link.hash);
        }
        for token in &sessions {
            state.portal_sessions.remove(token);
        }
        Ok(u32::try_from(links.len().max(sessions.len())).unwrap_or(u32::MAX))
    }

    async fn keep_secret(&self, offered: &str) -> Result<String, StoreError> {
        Ok(self.lock().secret.get_or_insert_with(|| offered.to_owned()).clone())
    }
}

fn add_user(state: &mut State, new: &NewUser, session: &Session, origin: &Origin) -> Result<(), StoreError> {
    if is_session_taken(state, session) {
        return Err(StoreError::Duplicate);
    }
    put_new_user(state, new, origin)?;
    state.sessions.insert(session.token.clone(), session.clone());
    Ok(())
}

/// Gives a user another password, with which their resets end.
fn put_password(state: &mut State, mut credential: Credential, password: &NewPassword) {
    let reset = LinkPurpose::Reset(credential.user.id.clone());
    state.links.retain(|_, link| link.purpose != reset);
    credential.password_hash = Some(password.hash.clone());
    state.put_user(credential);
}

fn put_new_user(state: &mut State, new: &NewUser, origin: &Origin) -> Result<(), StoreError> {
    let NewUser { user, account_id: _, password_hash } = new;
    let is_taken = |other: &Credential| other.user.id == user.id || other.user.email == user.email;
    if state.users().any(is_taken) {
        return Err(StoreError::Duplicate);
    }
    state.put_user(Credential { user: user.clone(), password_hash: Some(password_hash.clone()) });
    state.events.add(origin.user_created(user));
    Ok(())
}

/// Ends the sessions of a user, and returns their number.
fn end_sessions(state: &mut State, user: &UserId) -> u64 {
    let before = state.sessions.len();
    state.sessions.retain(|_, session| session.user_id != *user);
    (before - state.sessions.len()) as u64
}

fn is_session_taken(state: &State, session: &Session) -> bool {
    state.sessions.values().any(|other| other.id == session.id || other.token == session.token)
}
