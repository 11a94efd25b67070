use keymint_domain::ErrorCode;
use keymint_domain::event::{Actor, Origin};
use keymint_domain::identity::{Client, Password, SignUp, User};
use keymint_domain::link::{Link, LinkPurpose, NewLink, SecretToken};
use keymint_domain::{RowId, UserId};
use keymint_ports::{Claimant, NewPassword, StoreError};

use super::{Identity, SignedIn};
use crate::{Context, ServiceError, Source};

impl Identity {
    /// Makes a link by which somebody becomes the first operator, if nobody has an account yet; `None` = somebody has.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn offer_claim(&self) -> Result<Option<NewLink>, ServiceError> {
        if self.store.has_users().await? {
            return Ok(None);
        }
        self.make_link(LinkPurpose::Claim, Actor::Keymint, &Source::default()).await
    }

    /// Makes a link by which a user (an id or an address) chooses another password; `None` = there is no such user.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator, and [`ServiceError::Store`] if the store fails.
    pub async fn make_reset_link<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        id_or_email: &str,
    ) -> Result<Option<NewLink>, ServiceError> {
        let context = context.into();
        let Some(user) = self.find_as_operator(&context, id_or_email).await? else { return Ok(None) };
        self.make_link(LinkPurpose::Reset(user.id), context.actor(), &context.source).await
    }

    async fn make_link(
        &self,
        purpose: LinkPurpose,
        actor: Actor,
        source: &Source,
    ) -> Result<Option<NewLink>, ServiceError> {
        let now = self.surroundings.now();
        let made = Link::begin(purpose, &mut |bytes: &mut [u8]| self.surroundings.fill(bytes), now);
        let is_added = self.store.insert_link(&made.link, &self.origin(actor, source, now)).await?;
        Ok(is_added.then_some(made))
    }

    /// Marks a form as sent, by the token that it carries. Returns false if it was sent before: of any number of submits one
    /// does what the form does.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn send_form(&self, token: &SecretToken) -> Result<bool, ServiceError> {
        let mark = Link::of_form(token, self.surroundings.now());
        match self.store.insert_link(&mark, &Origin::unrecorded()).await {
            Ok(is_added) => Ok(is_added),
            Err(StoreError::Duplicate) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at a link, which stays as it is. Returns its purpose; `None` = the text is no link that may be used now.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn look_at_link(&self, token: &str) -> Result<Option<LinkPurpose>, ServiceError> {
        let Some(token) = SecretToken::parse(token) else { return Ok(None) };
        let found = self.store.find_link(&token.hash()).await?;
        Ok(found.filter(|link| link.is_valid(self.surroundings.now())).map(|link| link.purpose))
    }

    /// Returns the token of a link that may be used now, and its purpose.
    async fn usable(&self, token: &str) -> Result<(SecretToken, LinkPurpose), ServiceError> {
        let parsed = SecretToken::parse(token).ok_or(ErrorCode::LinkNotValid)?;
        let purpose = self.look_at_link(token).await?.ok_or(ErrorCode::LinkNotValid)?;
        Ok((parsed, purpose))
    }

    /// Makes the first operator, who had no account, by a claim. They are signed in then.
    ///
    /// It makes no difference whether anyone may sign up.
    ///
    /// # Errors
    ///
    /// Returns `EMAIL_PASSWORD_DISABLED`; `LINK_NOT_VALID` for a link that was used or has expired, and where there is an
    /// operator; `PASSWORD_TOO_SHORT` and `PASSWORD_TOO_LONG`; `USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL`, after which the
    /// link may still be used; [`ServiceError::Overloaded`]; [`ServiceError::Store`] if the store fails.
    pub async fn claim(
        &self,
        token: &str,
        request: SignUp,
        client: Client,
        source: &Source,
    ) -> Result<SignedIn, ServiceError> {
        if !self.options.email_and_password {
            return Err(ErrorCode::EmailPasswordDisabled.into());
        }
        let (token, LinkPurpose::Claim) = self.usable(token).await? else {
            return Err(ErrorCode::LinkNotValid.into());
        };
        request.password.check_new()?;
        if self.store.find_credential(&request.email).await?.is_some() {
            return Err(ErrorCode::UserAlreadyExists.into());
        }
        let hash = self.hasher.hash(request.password.clone(), self.salt()).await?;
        let now = self.surroundings.now();
        let new = request.accept(hash, &mut |bytes: &mut [u8]| self.surroundings.fill(bytes), now);
        let session = self.begin_session(new.user.id.clone(), client, true, now);
        let origin = self.origin(Actor::User(new.user.id.clone()), source, now);
        let user = new.user.clone();
        let claimant = Claimant::New(Box::new(new), Box::new(session.clone()));
        match self.store.claim(&token.hash(), &claimant, now, &origin).await {
            Ok(true) => Ok(SignedIn { user, session }),
            Ok(false) => Err(ErrorCode::LinkNotValid.into()),
            Err(StoreError::Duplicate) => Err(ErrorCode::UserAlreadyExists.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a user, who is signed in, the first operator by a claim.
    ///
    /// # Errors
    ///
    /// Returns `USER_BANNED`; `LINK_NOT_VALID` for a link that was used or has expired, and where there is an operator;
    /// [`ServiceError::Store`] if the store fails.
    pub async fn claim_as(&self, token: &str, user: &User, source: &Source) -> Result<(), ServiceError> {
        let now = self.surroundings.now();
        if user.is_banned(now) {
            return Err(ErrorCode::UserBanned.into());
        }
        let token = SecretToken::parse(token).ok_or(ErrorCode::LinkNotValid)?;
        let origin = self.origin(Actor::User(user.id.clone()), source, now);
        let is_claimed = self.store.claim(&token.hash(), &Claimant::User(user.id.clone()), now, &origin).await?;
        if is_claimed { Ok(()) } else { Err(ErrorCode::LinkNotValid.into()) }
    }

    /// Sets another password by a reset, and ends all sessions of its user, whom it returns.
    ///
    /// # Errors
    ///
    /// Returns `EMAIL_PASSWORD_DISABLED`; `LINK_NOT_VALID` for a link that was used or has expired; `PASSWORD_TOO_SHORT` and
    /// `PASSWORD_TOO_LONG`, after which the link may still be used; [`ServiceError::Overloaded`]; [`ServiceError::Store`] if
    /// the store fails.
    pub async fn reset_password(
        &self,
        token: &str,
        password: Password,
        source: &Source,
    ) -> Result<UserId, ServiceError> {
        if !self.options.email_and_password {
            return Err(ErrorCode::EmailPasswordDisabled.into());
        }
        let (token, LinkPurpose::Reset(user)) = self.usable(token).await? else {
            return Err(ErrorCode::LinkNotValid.into());
        };
        password.check_new()?;
        let password = self.new_password(password).await?;
        let now = self.surroundings.now();
        let origin = self.origin(Actor::User(user), source, now);
        let reset = self.store.reset_password(&token.hash(), &password, now, &origin).await?;
        Ok(reset.ok_or(ErrorCode::LinkNotValid)?)
    }

    /// Hashes a password that replaces another one.
    pub(super) async fn new_password(&self, password: Password) -> Result<NewPassword, ServiceError> {
        let hash = self.hasher.hash(password, self.salt()).await?;
        let account_id = RowId::random(&mut |bytes: &mut [u8]| self.surroundings.fill(bytes));
        Ok(NewPassword { hash, account_id })
    }
}
