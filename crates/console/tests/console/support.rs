use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use keymint_actix::origin::TrustedOrigin;
use keymint_actix::{Api, ApiOptions, CookieSecret, PortalLinks, Running, ServeOptions, Sessions, Stopper, serve};
use keymint_console::{Brand, ConsoleOptions, FrameAncestor, ServerSettings, Settings, pages};
use keymint_domain::event::seal::SealKey;
use keymint_domain::key::{Field, NewKey};
use keymint_domain::portal::{PortalGrant, PortalRight, PortalRights, ReturnUrl};
use keymint_domain::webhook::WebhookUrl;
use keymint_domain::{Configuration, KeyId, OwnerId, Policy, Timestamp};
use keymint_ports::{
    Clock, Entropy, FakeClock, IdentityStore, KeyStore, SeededEntropy, SendFailure, SignedDelivery, Unmetered,
    WebhookSender,
};
use keymint_service::{
    Audit, Caller, CreateKey, Dispatcher, Identity, IdentityOptions, Keys, Portal, Recorder, Sealer, ServerKeys,
    Throttle, ThrottleOptions, Usage, UsageOptions, WebhookOptions, WebhookPorts, Webhooks,
};
use keymint_store_memory::MemoryStore;
use regex::Regex;
use reqwest::header::{COOKIE, HeaderMap, ORIGIN};
use reqwest::redirect::Policy as Redirects;
use reqwest::{Client, StatusCode};

use crate::jar::Jar;

/// 2023-11-14T22:13:20.000Z
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const ORIGIN_OF_PAGES: &str = "https://keys.example.com";

pub(crate) struct Setup {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) keys: Option<Arc<dyn KeyStore>>,
    /// The store of users, sessions and links, in the place of `store`.
    pub(crate) people: Option<Arc<dyn IdentityStore>>,
    pub(crate) policy: Policy,
    /// True if organizations are kept.
    pub(crate) organizations: bool,
    pub(crate) identity: IdentityOptions,
    pub(crate) throttle: Option<ThrottleOptions>,
    pub(crate) options: ApiOptions,
    /// True if there is a log of changes, and webhooks.
    pub(crate) records: bool,
    pub(crate) settings: ServerSettings,
    pub(crate) brand: Brand,
    pub(crate) frame_ancestors: Vec<FrameAncestor>,
}

/// An endpoint that answers every delivery with this status.
pub(crate) struct Endpoint(pub(crate) u16);

#[async_trait::async_trait]
impl WebhookSender for Endpoint {
    async fn check(&self, url: &WebhookUrl) -> Result<(), SendFailure> {
        if url.host() == "inside.example" { Err(SendFailure::NoAddress) } else { Ok(()) }
    }

    async fn send(&self, _: &SignedDelivery) -> Result<u16, SendFailure> {
        Ok(self.0)
    }
}

impl Default for Setup {
    fn default() -> Self {
        let own = TrustedOrigin::parse(ORIGIN_OF_PAGES).unwrap();
        Self {
            store: Arc::new(MemoryStore::default()),
            keys: None,
            people: None,
            policy: Policy::default(),
            organizations: true,
            identity: IdentityOptions::default(),
            throttle: None,
            options: ApiOptions { trusted_origins: [own].into_iter().collect(), ..ApiOptions::default() },
            records: true,
            settings: ServerSettings::default(),
            brand: Brand::default(),
            frame_ancestors: Vec::new(),
        }
    }
}

impl Setup {
    /// Sets the one configuration.
    pub(crate) fn configured(configure: impl FnOnce(&mut Configuration)) -> Self {
        let mut configuration = Configuration::default();
        configure(&mut configuration);
        Self { policy: Policy::new(vec![configuration]).unwrap(), ..Self::default() }
    }
}

/// A server with the console, and one browser that keeps cookies.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) usage: Arc<Usage>,
    pub(crate) users: Arc<Identity>,
    pub(crate) server_keys: Arc<ServerKeys>,
    pub(crate) portal: Arc<Portal>,
    client: Client,
    cookies: Jar,
    _stopper: Stopper,
    _sealer: Sealer,
    _dispatcher: Option<Dispatcher>,
}

/// An answer that was read whole.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(Setup::default())
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let Setup { store, keys, people, policy, organizations, identity, throttle, options, records, .. } = setup;
        let Setup { settings, brand, frame_ancestors, .. } = setup;
        let people = people.unwrap_or_else(|| Arc::clone(&store) as _);
        let clock = Arc::new(FakeClock::at(NOW));
        let as_clock = || Arc::clone(&clock) as Arc<dyn Clock>;
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
        let recorder = Recorder::on();
        let usage = Usage::start(
            Arc::clone(&store) as _,
            as_clock(),
            &SeededEntropy::new(2),
            Arc::new(Unmetered),
            UsageOptions::default(),
        );
        let usage = Arc::new(usage);
        let keys = Keys::builder(keys.unwrap_or_else(|| Arc::clone(&store) as _))
            .users(Arc::clone(&people))
            .usage(Arc::clone(&usage))
            .survey(Arc::clone(&store) as _)
            .policy(policy)
            .clock(as_clock())
            .entropy(Arc::clone(&entropy))
            .recorder(recorder.clone());
        let keys = if organizations { keys.organizations(Arc::clone(&store) as _) } else { keys };
        let keys = Arc::new(keys.build());
        let server_keys =
            ServerKeys::new(Arc::clone(&store) as _).with_clock(as_clock()).with_recorder(recorder.clone());
        let server_keys = Arc::new(server_keys);
        let users = Identity::new(Arc::clone(&people))
            .with_options(identity)
            .with_clock(as_clock())
            .with_entropy(Arc::clone(&entropy))
            .with_recorder(recorder.clone(), Arc::clone(&store) as _);
        let users = Arc::new(users);
        let portal = Portal::new(people)
            .with_clock(as_clock())
            .with_entropy(Arc::clone(&entropy))
            .with_recorder(recorder.clone());
        let portal = Arc::new(portal);
        let audit = Audit::new(Arc::clone(&store) as _, SealKey::new([7; 32]))
            .with_clock(as_clock())
            .with_recorder(recorder.clone());
        let audit = Arc::new(audit);
        let secret = CookieSecret::parse("a-secret-of-thirty-two-or-more-characters").unwrap();
        let sessions = Sessions::new(Arc::clone(&users), secret.clone(), false);
        let sessions = match throttle {
            Some(options) => sessions.throttled(Throttle::new(options)),
            None => sessions,
        };
        let ports = WebhookPorts {
            store: Arc::clone(&store) as _,
            events: Arc::clone(&store) as _,
            sender: Arc::new(Endpoint(204)),
            clock: as_clock(),
            entropy: Arc::clone(&entropy),
            meter: Arc::new(Unmetered),
            recorder: recorder.clone(),
        };
        let webhooks = WebhookOptions::default();
        let api = Api::new(Arc::clone(&keys), Arc::clone(&server_keys)).with_options(options).with_sessions(sessions);
        let api = api.with_portal(PortalLinks { portal: Arc::clone(&portal), base_url: ORIGIN_OF_PAGES.to_owned() });
        let api = if records {
            api.with_audit(Arc::clone(&audit)).with_webhooks(Webhooks::new(ports.clone(), webhooks.clone()))
        } else {
            api
        };
        let dispatcher = records.then(|| Dispatcher::start(ports, webhooks));
        let form_key = secret.derive("console forms").unwrap();
        let console = pages(ConsoleOptions {
            base_url: ORIGIN_OF_PAGES.to_owned(),
            form_key,
            settings: Settings::new(settings),
            brand,
            frame_ancestors,
        });
        let options = ServeOptions { workers: Some(1), pages: Some(console), ..ServeOptions::default() };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let Running { server, stopper, address, api: _ } = serve(listener, api, &options).unwrap();
        tokio::spawn(server);
        let client = Client::builder().redirect(Redirects::none()).build().unwrap();
        let sealer = Sealer::start(audit, None, store, recorder);
        Self {
            address,
            clock,
            keys,
            usage,
            users,
            server_keys,
            portal,
            client,
            cookies: Jar::default(),
            _stopper: stopper,
            _sealer: sealer,
            _dispatcher: dispatcher,
        }
    }

    /// Starts with somebody signed in.
    pub(crate) async fn signed_in(setup: Setup) -> Self {
        let site = Self::with(setup);
        site.sign_up("ada").await;
        site
    }

    /// Starts with an operator signed in.
    pub(crate) async fn operated(setup: Setup) -> Self {
        let site = Self::signed_in(setup).await;
        site.users.make_operator(&Caller::Server, "ada@example.com").await.unwrap().unwrap();
        site
    }

    /// Gets a page until it has a text: what was recorded is shown a moment later.
    pub(crate) async fn get_with(&self, path: &str, text: &str) -> Shown {
        for _ in 0..100 {
            let shown = self.get(path).await;
            if shown.html.contains(text) {
                return shown;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        self.get(path).await.has(&[text]);
        unreachable!("{text} has just been there")
    }

    /// Signs somebody up, whose session the browser then has.
    pub(crate) async fn sign_up(&self, name: &str) {
        let email = format!("{name}@example.com");
        let form = [("name", name), ("email", email.as_str()), ("password", "password")];
        let shown = self.post("/console/sign-up", &form).await;
        assert_eq!(shown.status, StatusCode::SEE_OTHER, "{}", shown.html);
    }

    pub(crate) async fn get(&self, path: &str) -> Shown {
        self.send(self.client.get(format!("http://{}{path}", self.address))).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Shown {
        self.post_from(ORIGIN_OF_PAGES, path, form).await
    }

    pub(crate) async fn post_from(&self, origin: &str, path: &str, form: &[(&str, &str)]) -> Shown {
        let request = self.client.post(format!("http://{}{path}", self.address)).header(ORIGIN, origin);
        let body = form.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let body = body.collect::<Vec<_>>().join("&");
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Sends a request with the cookies that the browser has for its path, unless it has a line of its own.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Shown {
        let mut request = request.build().unwrap();
        let cookies = self.cookies.at(request.url().path());
        if !cookies.is_empty() && !request.headers().contains_key(COOKIE) {
            request.headers_mut().insert(COOKIE, cookies.try_into().unwrap());
        }
        let answer = self.client.execute(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        for line in headers.get_all("set-cookie") {
            self.cookies.keep(line.to_str().unwrap());
        }
        let shown = Shown { status, headers, html: answer.text().await.unwrap() };
        shown.check_parts();
        shown
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Forgets all cookies, as another browser would not have them.
    pub(crate) fn forget(&self) {
        self.cookies.clear();
    }

    /// Gives the browser these cookies, as `cookies` returned them.
    pub(crate) fn remember(&self, cookies: &str) {
        self.forget();
        cookies.split("; ").filter(|pair| pair.contains('=')).for_each(|pair| self.cookies.keep(pair));
    }

    /// Makes a key on the page for it, and returns its id and its secret.
    pub(crate) async fn create(&self, name: &str) -> (KeyId, String) {
        let form = self.get("/console/keys/new").await.hidden("form");
        let shown = self.post("/console/keys/new", &[("form", &form), ("config", "default"), ("name", name)]).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.html);
        let id = KeyId::parse(form.split('.').next().unwrap()).unwrap();
        (id, shown.secret())
    }

    /// Makes a link to the portal, and returns its path.
    pub(crate) async fn portal_link(&self, owner: &str, may: &[PortalRight]) -> String {
        let grant = PortalGrant {
            owner: OwnerId::parse(owner).unwrap(),
            may: PortalRights::new(may.iter().copied()),
            return_url: Some(ReturnUrl::parse("https://app.example.com/settings?tab=keys").unwrap()),
            lifetime_seconds: PortalGrant::DEFAULT_LIFETIME_SECONDS,
        };
        self.portal.create(&Caller::Server, grant).await.unwrap().url("")
    }

    /// Opens the portal as a guest would, and returns the path of the session.
    pub(crate) async fn enter_portal(&self, owner: &str, may: &[PortalRight]) -> String {
        let link = self.portal_link(owner, may).await;
        assert_eq!(self.get(&link).await.status, StatusCode::OK);
        let opened = self.post(&link, &[]).await;
        assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.html);
        opened.location().strip_suffix("/keys").unwrap().to_owned()
    }

    /// Returns the cookies that the browser has, as a header.
    pub(crate) fn cookies(&self) -> String {
        self.cookies.all()
    }

    /// Returns the cookies that the browser sends to a path, as a header.
    pub(crate) fn cookies_at(&self, path: &str) -> String {
        self.cookies.at(path)
    }

    /// Makes a key as a server would.
    pub(crate) async fn mint(&self, owner: &str, new: NewKey) -> KeyId {
        let request = CreateKey::of(OwnerId::parse(owner).unwrap(), new);
        self.keys.create(&Caller::Server, request).await.unwrap().key.details.id.clone()
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

impl Shown {
    /// Returns the value of a hidden field.
    #[track_caller]
    pub(crate) fn hidden(&self, name: &str) -> String {
        let pattern = Regex::new(&format!("<input type=\"hidden\" name=\"{name}\" value=\"([^\"]*)\">")).unwrap();
        let found = pattern.captures(&self.html).unwrap_or_else(|| panic!("no {name} in {}", self.html));
        found[1].to_owned()
    }

    /// Returns the value of a hidden field of the form that is sent to a path.
    #[track_caller]
    pub(crate) fn hidden_of(&self, action: &str, name: &str) -> String {
        let form = self.html.split(&format!(" action=\"{action}\"")).nth(1);
        let form = form.unwrap_or_else(|| panic!("no form for {action} in {}", self.html));
        let html = form.split("</form>").next().unwrap().to_owned();
        Self { status: self.status, headers: HeaderMap::new(), html }.hidden(name)
    }

    /// Returns the secret that the page shows, which all elements must be marked to have that do.
    #[track_caller]
    pub(crate) fn secret(&self) -> String {
        let pattern = Regex::new("<code id=\"(?:secret|link)\" data-secret>([^<]+)</code>").unwrap();
        let found = pattern.captures(&self.html).unwrap_or_else(|| panic!("no secret in {}", self.html));
        let marked = Regex::new("<(?:code|pre)[^>]* data-secret[^>]*>[^<]+<").unwrap();
        let cleared = marked.replace_all(&self.html, "<");
        assert!(!cleared.contains(&found[1]), "the secret stays in {cleared}");
        found[1].to_owned()
    }

    /// Checks that the parts of a page find each other: links and labels their elements, hints and problems their fields.
    #[track_caller]
    fn check_parts(&self) {
        let Self { html, .. } = self;
        if !html.starts_with("<!doctype html>") {
            return;
        }
        let all = |pattern: &str| {
            let pattern = Regex::new(pattern).unwrap();
            pattern.captures_iter(html).map(|found| found[1].to_owned()).collect::<Vec<_>>()
        };
        let ids = all(" id=\"([^\"]+)\"");
        let described = all(" aria-describedby=\"([^\"]+)\"").join(" ");
        let described: Vec<_> = described.split(' ').filter(|id| !id.is_empty()).map(str::to_owned).collect();
        let named = [all(" href=\"#([^\"]+)\""), all(" for=\"([^\"]+)\""), all(" aria-labelledby=\"([^\"]+)\"")];
        for id in named.concat().iter().chain(&described) {
            assert!(ids.contains(id), "nothing is {id} in {html}");
        }
        for id in &all("<p class=\"(?:hint|problem)\" id=\"([^\"]+)\"") {
            assert!(described.contains(id), "{id} describes nothing in {html}");
        }
        let fields = html.split("<div class=\"field").skip(1).filter_map(|field| field.split("</div>").next());
        for field in fields.filter(|field| field.contains("<input") || field.contains("<textarea")) {
            assert!(!field.contains("<p class=\"hint\">"), "a hint describes nothing in {field}");
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// Checks that the page has all of these texts.
    #[track_caller]
    pub(crate) fn has(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.html.contains(text), "no {text:?} in {} {}", self.status, self.html);
        }
    }

    /// Checks that the page has none of these texts.
    #[track_caller]
    pub(crate) fn lacks(&self, texts: &[&str]) {
        for text in texts {
            assert!(!self.html.contains(text), "{text:?} in {}", self.html);
        }
    }
}

/// A quota of so many calls.
pub(crate) fn with_quota(calls: u64) -> NewKey {
    NewKey { remaining: Field::Given(calls), ..NewKey::default() }
}
