use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use crate::connector::{Connector, Resolver};
use crate::tls::Tls;
use crate::{CallError, Resolve, Trust, TrustError};

const OURSELVES: HeaderValue = HeaderValue::from_static(concat!("keymint/", env!("CARGO_PKG_VERSION")));

/// A client of HTTP/1.1, with its idle connections. Copies share them.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
    deadline: Duration,
    missing_roots: Option<Arc<rustls::Error>>,
}

/// The settings of an [`HttpClient`].
#[must_use]
pub struct Builder {
    deadline: Duration,
    connect_within: Option<Duration>,
    trust: Trust,
    resolver: Resolver,
    proxies: Option<Arc<Matcher>>,
    https_only: bool,
    idle: usize,
    idle_for: Duration,
}

/// The status and the headers of an answer, before its body.
#[derive(Debug)]
pub struct Answer {
    server: String,
    answer: Response<Incoming>,
}

impl HttpClient {
    /// Begins a client whose calls end within `deadline`. It trusts the operating system's roots, connects directly, and
    /// keeps 4 idle connections to a server for 20 s.
    pub fn builder(deadline: Duration) -> Builder {
        Builder {
            deadline,
            connect_within: None,
            trust: Trust::System,
            resolver: Resolver::System(GaiResolver::new()),
            proxies: None,
            https_only: false,
            idle: 4,
            idle_for: Duration::from_secs(20),
        }
    }

    /// Returns the reason why no call over https can succeed: the operating system has no roots.
    pub fn missing_roots(&self) -> Option<&rustls::Error> {
        self.missing_roots.as_deref()
    }

    /// Sends a request to the absolute URI in it, and reads the whole answer, up to `most` bytes of its body.
    ///
    /// # Errors
    ///
    /// Returns [`CallError`] if there is no whole answer within the deadline.
    pub async fn exchange(&self, request: Request<Bytes>, most: usize) -> Result<Response<Bytes>, CallError> {
        let server = server(request.uri());
        let whole = async {
            let Answer { server, answer } = self.begin(request).await?;
            let (head, body) = answer.into_parts();
            Ok(Response::from_parts(head, read(body, most, server).await?))
        };
        timeout(self.deadline, whole).await.unwrap_or(Err(CallError::TimedOut { server }))
    }

    /// Sends a request to the absolute URI in it, and returns the answer before its body.
    ///
    /// # Errors
    ///
    /// Returns [`CallError`] if there is no answer within the deadline.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Answer, CallError> {
        let server = server(request.uri());
        timeout(self.deadline, self.begin(request)).await.unwrap_or(Err(CallError::TimedOut { server }))
    }

    async fn begin(&self, request: Request<Bytes>) -> Result<Answer, CallError> {
        let server = server(request.uri());
        let (mut head, body) = request.into_parts();
        head.headers.entry(USER_AGENT).or_insert(OURSELVES);
        match self.client.request(Request::from_parts(head, Full::new(body))).await {
            Ok(answer) => Ok(Answer { server, answer }),
            Err(error) if error.is_connect() => Err(CallError::NoConnection { server, source: error.into() }),
            Err(error) => Err(CallError::Broken { server, source: error.into() }),
        }
    }
}

impl Builder {
    /// Ends the attempt to connect to one address after this time.
    pub fn connect_within(self, time: Duration) -> Self {
        Self { connect_within: Some(time), ..self }
    }

    /// Accepts the certificates of these authorities.
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// Looks up hosts by `resolver`.
    pub fn resolving_by(self, resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver: Resolver::Other(resolver), ..self }
    }

    /// Calls https servers through the proxy that `HTTPS_PROXY` or `ALL_PROXY` name, unless `NO_PROXY` names the server.
    pub fn through_environment_proxy(self) -> Self {
        Self { proxies: Some(Arc::new(Matcher::from_env())), ..self }
    }

    /// Refuses to call servers over http.
    pub fn https_only(self) -> Self {
        Self { https_only: true, ..self }
    }

    /// Keeps this many idle connections to a server.
    pub fn idle(self, idle: usize) -> Self {
        Self { idle, ..self }
    }

    /// Makes the client.
    ///
    /// # Errors
    ///
    /// Returns [`TrustError`] if a root is no certificate.
    pub fn build(self) -> Result<HttpClient, TrustError> {
        let Tls { config, missing_roots } = Tls::by(&self.trust)?;
        let mut direct = HttpConnector::new_with_resolver(self.resolver);
        direct.enforce_http(false);
        direct.set_nodelay(true);
        direct.set_connect_timeout(self.connect_within);
        let schemes = HttpsConnectorBuilder::new().with_tls_config(config);
        let schemes = if self.https_only { schemes.https_only() } else { schemes.https_or_http() };
        let connector = schemes.enable_http1().wrap_connector(Connector { direct, proxies: self.proxies });
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.idle_for)
            .pool_max_idle_per_host(self.idle)
            .build(connector);
        Ok(HttpClient { client, deadline: self.deadline, missing_roots: missing_roots.map(Arc::new) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("deadline", &self.deadline).field("trust", &self.trust).finish_non_exhaustive()
    }
}

impl Answer {
    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// Reads the body, up to `most` bytes. What is left unread ends the connection.
    ///
    /// # Errors
    ///
    /// Returns [`CallError`] if the body is longer, breaks off, or takes longer than `time`.
    pub async fn body(self, most: usize, time: Duration) -> Result<Bytes, CallError> {
        let server = self.server.clone();
        let body = read(self.answer.into_body(), most, self.server);
        timeout(time, body).await.unwrap_or(Err(CallError::TimedOut { server }))
    }
}

async fn read(mut body: Incoming, most: usize, server: String) -> Result<Bytes, CallError> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => return Err(CallError::Broken { server, source: error.into() }),
        };
        let Ok(part) = frame.into_data() else { continue };
        if whole.len() + part.len() > most {
            return Err(CallError::TooLong { server, most });
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.into())
}

/// Returns the scheme, the host and the port of a URI, without user and password.
fn server(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", uri.scheme_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// The environment cannot be set in a test, so the proxy is named as the environment would.
    #[tokio::test]
    async fn https_alone_goes_through_a_proxy_unless_a_server_is_excepted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = listener.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && peer.read_buf(&mut head).await.unwrap() > 0 {}
            peer.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
            String::from_utf8(head).unwrap()
        });
        let matcher = Matcher::builder().all(format!("http://ada:hush@{proxy}")).no("localhost").build();
        let builder = HttpClient::builder(Duration::from_secs(10)).trusting(Trust::Roots(Vec::new()));
        let client = Builder { proxies: Some(Arc::new(matcher)), ..builder }.build().unwrap();
        let call = |url: &str| client.exchange(Request::get(url).body(Bytes::new()).unwrap(), 100);

        for direct in ["http://127.0.0.1:1/", "https://localhost:1/"] {
            assert!(call(direct).await.unwrap_err().is_no_connection());
            assert!(!asked.is_finished(), "{direct}");
        }
        let refused = call("https://api.example/keys").await.unwrap_err();
        assert!(refused.is_no_connection() && !format!("{refused:?}").contains("hush"), "{refused:?}");
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("CONNECT api.example:443 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("\r\nProxy-Authorization: Basic YWRhOmh1c2g=\r\n"), "{asked}");

        let matcher = Matcher::builder().all("socks5://127.0.0.1:1").build();
        let builder = HttpClient::builder(Duration::from_secs(10));
        let client = Builder { proxies: Some(Arc::new(matcher)), ..builder }.build().unwrap();
        let refused = client.exchange(Request::get("https://a.example/").body(Bytes::new()).unwrap(), 100).await;
        assert_eq!(refused.unwrap_err().find::<std::io::Error>().unwrap().kind(), std::io::ErrorKind::Unsupported);
    }
}
