use core::fmt;
use core::time::Duration;
use std::time::SystemTime;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, transport::smtp};

use crate::delivery::{Carried, Carrier, Parcel};
use vocabulary::{Email, Label};

/// How long a server may take for one step.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a connection is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte, most often on port 465.
    Tls,
    /// TLS after a word in the clear, most often on port 587; a server that knows none gets
    /// nothing.
    StartTls,
    /// None: for a server on the same machine.
    None,
}

/// How to reach a server.
#[derive(Clone)]
pub struct SmtpOptions {
    /// The name or address of the server.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is kept private.
    pub security: Security,
    /// The user and the password, when the server asks for them.
    pub credentials: Option<(String, String)>,
    /// Who writes.
    pub from: Email,
    /// The name beside that address.
    pub from_name: Label,
}

/// Never shows the password.
impl fmt::Debug for SmtpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, security, .. } = self;
        f.debug_struct("SmtpOptions")
            .field("host", host)
            .field("port", port)
            .field("security", security)
            .finish_non_exhaustive()
    }
}

/// Options that no server can be reached with.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The sender is no address as SMTP knows them.
    #[error("the address of the sender is not one that SMTP knows")]
    Sender,
    /// TLS cannot be set up.
    #[error("set up TLS for mail")]
    Tls(#[source] smtp::Error),
}

/// Carries letters over SMTP, as many as there are over one connection.
pub struct Smtp {
    options: SmtpOptions,
    from: Mailbox,
    tls: Option<TlsParameters>,
    open: Option<SmtpConnection>,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Smtp").field(&self.options).finish()
    }
}

impl Smtp {
    /// Takes the options; connects when there is something to carry. A server is believed to be the
    /// one of its name by the certificates that Mozilla trusts.
    ///
    /// # Errors
    ///
    /// [`SmtpError`] when the sender is none or TLS cannot be set up.
    pub fn try_new(options: SmtpOptions) -> Result<Self, SmtpError> {
        let address = address_of(&options.from).ok_or(SmtpError::Sender)?;
        let from = Mailbox::new(Some(options.from_name.as_str().to_owned()), address);
        let tls = match options.security {
            Security::Tls | Security::StartTls => {
                Some(TlsParameters::new(options.host.clone()).map_err(SmtpError::Tls)?)
            }
            Security::None => None,
        };
        Ok(Self { options, from, tls, open: None })
    }

    fn connect(&self) -> Result<SmtpConnection, smtp::Error> {
        let hello = ClientId::Domain(domain_of(&self.options.from).to_owned());
        let server = (self.options.host.as_str(), self.options.port);
        let wrapped = self.tls.as_ref().filter(|_| self.options.security == Security::Tls);
        let mut open = SmtpConnection::connect(server, Some(PATIENCE), &hello, wrapped, None)?;
        if let Some(tls) = self.tls.as_ref()
            && self.options.security == Security::StartTls
        {
            // A server that does not know it refuses here, before a name or a letter was said.
            open.starttls(tls, &hello)?;
        }
        if let Some((user, password)) = &self.options.credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            open.auth(DEFAULT_MECHANISMS, &credentials)?;
        }
        Ok(open)
    }

    /// Writes the message; `None` when the address or a header is none that mail knows.
    fn compose(&self, parcel: &Parcel<'_>) -> Option<(Envelope, Vec<u8>)> {
        let to = address_of(parcel.to)?;
        let made_at = u64::try_from(parcel.made_at.as_microseconds()).ok()?;
        let id = format!("<{}@{}>", parcel.id, domain_of(&self.options.from));
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(parcel.subject)
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(made_at))
            .message_id(Some(id))
            // So that no absence note comes back (RFC 3834).
            .raw_header(raw("Auto-Submitted", "auto-generated"))
            .header(ContentType::TEXT_PLAIN);
        if let Some(address) = parcel.unsubscribe.filter(|address| is_link(address)) {
            message = message
                .raw_header(raw("List-Unsubscribe", &format!("<{address}>")))
                .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        let bytes = message.body(parcel.body.to_owned()).ok()?.formatted();
        let sender = Some(self.from.email.clone());
        Some((Envelope::new(sender, vec![to]).ok()?, bytes))
    }
}

impl Carrier for Smtp {
    fn carry(&mut self, parcel: &Parcel<'_>) -> Carried {
        // 553 is what a server says of such an address (RFC 5321).
        let Some((envelope, message)) = self.compose(parcel) else { return Carried::Never(553) };
        let open = match self.open.take().filter(|open| !open.has_broken()) {
            Some(open) => Ok(open),
            None => self.connect(),
        };
        let mut open = match open {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(error = %error, "the mail server cannot be reached");
                return Carried::Away;
            }
        };
        let carried = match open.send(&envelope, &message) {
            Ok(_response) => Carried::Taken,
            Err(error) => said(&error),
        };
        self.open = Some(open);
        carried
    }

    fn rest(&mut self) {
        if let Some(mut open) = self.open.take().filter(|open| !open.has_broken()) {
            // What was taken is taken, whatever is said at the end.
            drop(open.quit());
        }
    }
}

/// Reads what the server said of one letter. A connection that broke says nothing of it.
fn said(error: &smtp::Error) -> Carried {
    let code = error.status().map_or(0, u16::from);
    if error.is_permanent() {
        Carried::Never(code)
    } else if error.is_transient() {
        Carried::Later(code)
    } else {
        tracing::warn!(error = %error, "the mail server broke off");
        Carried::Away
    }
}

fn address_of(mail: &Email) -> Option<Address> {
    mail.as_str().parse().ok()
}

fn domain_of(mail: &Email) -> &str {
    mail.as_str().rsplit_once('@').map_or("localhost", |(_, domain)| domain)
}

/// A header of ours: both parts are ASCII without line ends, which the callers see to.
fn raw(name: &'static str, value: &str) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str(name);
    HeaderValue::dangerous_new_pre_encoded(name, value.to_owned(), value.to_owned())
}

fn is_link(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte))
}
