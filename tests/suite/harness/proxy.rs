//! A line to a server that can be cut, held up, delayed and made deaf on one side: what a network does, and what a server that
//! is in trouble looks like from outside.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    /// Whoever calls is hung up on, and calls that were open are ended.
    Cut,
    /// Nothing is passed on, in either direction.
    Held,
    /// Everything is passed on later than it came, piece by piece.
    Delayed(Duration),
    /// What the client says is kept from the server.
    ClientUnheard,
    /// What the server says is kept from the client.
    ServerUnheard,
}

pub struct Proxy {
    pub address: SocketAddr,
    line: watch::Sender<Line>,
    target: watch::Sender<String>,
}

impl Proxy {
    /// To `host:port`, on a port of its own.
    pub async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().unwrap();
        let ((line, state), (target, towards)) = (watch::channel(Line::Open), watch::channel(target));
        tokio::spawn(async move {
            let mut calls = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                calls.spawn(pass(client, towards.clone(), state.clone()));
            }
        });
        Self { address, line, target }
    }

    /// Calls that begin from now on lead there.
    pub fn lead_to(&self, target: String) {
        self.target.send_replace(target);
    }

    pub fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }

    pub fn hold(&self) {
        self.line.send_replace(Line::Held);
    }

    pub fn delay(&self, by: Duration) {
        self.line.send_replace(Line::Delayed(by));
    }

    pub fn keep_the_client_unheard(&self) {
        self.line.send_replace(Line::ClientUnheard);
    }

    pub fn keep_the_server_unheard(&self) {
        self.line.send_replace(Line::ServerUnheard);
    }

    pub fn mend(&self) {
        self.line.send_replace(Line::Open);
    }
}

async fn pass(mut client: TcpStream, target: watch::Receiver<String>, mut line: watch::Receiver<Line>) {
    _ = line.wait_for(|line| *line != Line::Held).await;
    if *line.borrow() == Line::Cut {
        return;
    }
    let target = target.borrow().clone();
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut up, mut down) = ([0; 8192], [0; 8192]);
    loop {
        let state = *line.borrow_and_update();
        let (upwards, downwards) = match state {
            Line::Cut => return,
            Line::Held => (false, false),
            Line::ClientUnheard => (false, true),
            Line::ServerUnheard => (true, false),
            Line::Open | Line::Delayed(_) => (true, true),
        };
        let later = if let Line::Delayed(by) = state { by } else { Duration::ZERO };
        let passed = tokio::select! {
            changed = line.changed() => changed.map_err(|_| ()),
            read = client.read(&mut up), if upwards => match read {
                Ok(bytes) if bytes > 0 => write(&mut server, &up[..bytes], later).await,
                _ => return,
            },
            read = server.read(&mut down), if downwards => match read {
                Ok(bytes) if bytes > 0 => write(&mut client, &down[..bytes], later).await,
                _ => return,
            },
        };
        if passed.is_err() {
            return;
        }
    }
}

async fn write(to: &mut TcpStream, bytes: &[u8], later: Duration) -> Result<(), ()> {
    if !later.is_zero() {
        tokio::time::sleep(later).await;
    }
    to.write_all(bytes).await.map_err(|_| ())
}
