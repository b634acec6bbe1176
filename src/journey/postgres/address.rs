//! The URL of a PostgreSQL, with TLS spelt as libpq spells it: what it says is held against itself before anybody connects.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr as _;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tracing::warn;

use super::tls::{Files, Tls, Trust};
use crate::config::url_without_password;

const EXPECTED: &str = "expected \"postgres://USER@HOST/DATABASE\"";
/// Parameters that are ours to understand: `tokio_postgres` knows fewer words of the first, and none of the others.
const OF_TLS: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];
/// What `tokio_postgres` understands itself.
const OF_CLIENT: [&str; 18] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Where a PostgreSQL is, who asks, and who may answer.
#[derive(Clone)]
pub struct Address {
    pub config: Config,
    pub tls: Tls,
    /// Without the password.
    shown: String,
}

/// The word behind `sslmode=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Address {
    /// The error names the parameter, and never a value that may be secret.
    pub fn read(url: &str) -> Result<Self, String> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut of_tls: [Option<String>; 4] = [const { None }; 4];
        let mut others = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if let Some(at) = OF_TLS.iter().position(|known| *known == name) {
                let value = percent_decode_str(value).decode_utf8().map_err(|_| format!("{name} is not UTF-8"))?;
                if of_tls[at].replace(value.into_owned()).is_some() {
                    return Err(format!("{name} is given twice"));
                }
            } else {
                check(name, part)?;
                others.push(part);
            }
        }
        let rest = if others.is_empty() { base.to_owned() } else { format!("{base}?{}", others.join("&")) };
        // What the client says of a URL may repeat it, and its password.
        let mut config = Config::from_str(&rest).map_err(|_| EXPECTED.to_owned())?;
        let (mode, trust, own) = tls(of_tls)?;
        if mode == Mode::Prefer && config.get_ssl_negotiation() == SslNegotiation::Direct {
            return Err("sslnegotiation=direct needs sslmode=require or better".into());
        }
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        Ok(Self { config, tls: Tls::of(trust, own)?, shown: url_without_password(url) })
    }

    /// As it may be shown.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Says in the log what the connection is not worth, where there is a network between.
    pub fn say_if_weak(&self) {
        let weakness = match (self.config.get_ssl_mode(), self.tls.trust()) {
            _ if self.is_here() => return,
            (_, Trust::ChainAndName(_)) => return,
            (_, Trust::Chain(_)) => "whether the certificate is this server's is not verified",
            (SslMode::Disable, Trust::Anybody) => "it is not encrypted, and who answers is not verified",
            (SslMode::Require, Trust::Anybody) => "it is encrypted, but who answers is not verified",
            (_, Trust::Anybody) => "it is encrypted only where the server offers it, and who answers is not verified",
        };
        warn!(
            store = self.shown,
            "the connection to PostgreSQL may be read or forged by whoever stands between: {weakness}; sslmode=verify-full does"
        );
    }

    /// On this machine.
    fn is_here(&self) -> bool {
        let here = |address: &IpAddr| address.is_loopback();
        let named_here = |host: &Host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address| here(&address)),
            Host::Unix(_) => true,
        };
        let addresses = self.config.get_hostaddrs();
        if addresses.is_empty() { self.config.get_hosts().iter().all(named_here) } else { addresses.iter().all(here) }
    }
}

/// Whether the client understands this parameter and its value.
fn check(name: &str, part: &str) -> Result<(), String> {
    if !OF_CLIENT.contains(&name) {
        return Err(format!(
            "the parameter {name} is not supported; there are {}, {}",
            OF_TLS.join(", "),
            OF_CLIENT.join(", ")
        ));
    }
    Config::from_str(&format!("postgres://?{part}"))
        .map(drop)
        .map_err(|_| format!("{name} has a value that is none of it"))
}

/// What the four say together.
fn tls([mode, root, cert, key]: [Option<String>; 4]) -> Result<(Mode, Trust, Option<Files>), String> {
    let said = mode
        .as_deref()
        .map_or("sslmode=prefer, which holds where none is given,".into(), |mode| format!("sslmode={mode}"));
    let mode = match mode.as_deref() {
        Some("disable") => Mode::Disable,
        None | Some("prefer") => Mode::Prefer,
        Some("require") => Mode::Require,
        Some("verify-ca") => Mode::VerifyCa,
        Some("verify-full") => Mode::VerifyFull,
        Some(_) => return Err(format!("{said}: expected disable, prefer, require, verify-ca or verify-full")),
    };
    let system = root.as_deref() == Some("system");
    let trust = match (mode, root.map(PathBuf::from)) {
        (Mode::VerifyFull, root) => Trust::ChainAndName(root.filter(|_| !system)),
        _ if system => return Err(format!("sslrootcert=system needs sslmode=verify-full, not {said}")),
        // libpq holds it so: whoever names an authority wants it asked.
        (Mode::VerifyCa | Mode::Require, Some(root)) => Trust::Chain(root),
        (Mode::VerifyCa, None) => return Err("sslmode=verify-ca needs sslrootcert=FILE".into()),
        (Mode::Disable | Mode::Prefer, Some(_)) => {
            return Err(format!("{said} verifies nothing, so sslrootcert has no use: write sslmode=verify-full"));
        }
        (_, None) => Trust::Anybody,
    };
    let own = match (cert, key) {
        (Some(_), Some(_)) if mode == Mode::Disable => {
            return Err("sslmode=disable shows nobody a certificate, so sslcert and sslkey have no use".into());
        }
        (Some(cert), Some(key)) => Some(Files { cert: PathBuf::from(cert), key: PathBuf::from(key) }),
        (None, None) => None,
        _ => return Err("sslcert and sslkey belong together: one of them is missing".into()),
    };
    Ok((mode, trust, own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> String {
        Address::read(&format!("postgres://ana:hunter2@db.example/journeys?{query}")).err().unwrap_or_default()
    }

    #[test]
    fn parameters_that_contradict_each_other_or_nobody_knows_are_named() {
        for (query, named) in [
            ("sslmode=allow", "sslmode=allow: expected disable, prefer, require, verify-ca or verify-full"),
            ("sslmode=verify-full&sslmode=disable", "sslmode is given twice"),
            ("sslmode=disable&sslrootcert=/ca.pem", "sslmode=disable verifies nothing"),
            ("sslrootcert=/ca.pem", "sslmode=prefer, which holds where none is given, verifies nothing"),
            ("sslmode=verify-ca", "needs sslrootcert=FILE"),
            ("sslmode=require&sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"),
            ("sslmode=require&sslcert=/a.pem", "one of them is missing"),
            ("sslmode=disable&sslcert=/a.pem&sslkey=/a.key", "sslcert and sslkey have no use"),
            ("sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "sslrootcert: cannot read /nowhere/ca.pem"),
            ("sslcrl=/x.crl", "the parameter sslcrl is not supported"),
            ("connect_timeout=soon", "connect_timeout has a value"),
            ("sslnegotiation=direct", "sslnegotiation=direct needs sslmode=require"),
        ] {
            let text = refused(query);
            assert!(text.contains(named), "{query}: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn modes_trust_what_libpq_lets_them_trust() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("an authority.pem");
        let key = rcgen::KeyPair::generate().unwrap();
        std::fs::write(&file, rcgen::CertificateParams::default().self_signed(&key).unwrap().pem()).unwrap();
        let root = format!("sslrootcert={}", file.display().to_string().replace(' ', "%20"));
        let read = |query: &str| {
            let address = Address::read(&format!("postgres://db.example/journeys?{query}")).unwrap();
            (address.config.get_ssl_mode(), address.tls.trust().clone())
        };
        let from = || file.clone();
        assert_eq!(read(""), (SslMode::Prefer, Trust::Anybody));
        assert_eq!(read("sslmode=disable"), (SslMode::Disable, Trust::Anybody));
        assert_eq!(read("sslmode=require&connect_timeout=3"), (SslMode::Require, Trust::Anybody));
        assert_eq!(read(&format!("sslmode=require&{root}")), (SslMode::Require, Trust::Chain(from())));
        assert_eq!(read(&format!("{root}&sslmode=verify-ca")), (SslMode::Require, Trust::Chain(from())));
        assert_eq!(read(&format!("sslmode=verify-full&{root}")), (SslMode::Require, Trust::ChainAndName(Some(from()))));
        assert_eq!(read("sslmode=verify-full"), (SslMode::Require, Trust::ChainAndName(None)));
    }
}
