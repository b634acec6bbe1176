//! A line to a server that can be cut and held up: what a store does when its PostgreSQL does.

use std::net::SocketAddr;

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
}

pub struct Proxy {
    pub address: SocketAddr,
    line: watch::Sender<Line>,
}

impl Proxy {
    /// To `host:port`, on a port of its own.
    pub async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().unwrap();
        let (line, state) = watch::channel(Line::Open);
        tokio::spawn(async move {
            let mut calls = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                calls.spawn(pass(client, target.clone(), state.clone()));
            }
        });
        Self { address, line }
    }

    pub fn cut(&self) {
        self.line.send_replace(Line::Cut);
    }

    pub fn hold(&self) {
        self.line.send_replace(Line::Held);
    }

    pub fn mend(&self) {
        self.line.send_replace(Line::Open);
    }
}

async fn pass(mut client: TcpStream, target: String, mut line: watch::Receiver<Line>) {
    _ = line.wait_for(|line| *line != Line::Held).await;
    if *line.borrow() == Line::Cut {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let (mut up, mut down) = ([0; 8192], [0; 8192]);
    loop {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let state = *line.borrow_and_update();
        let passed = match state {
            Line::Cut => return,
            Line::Held => line.changed().await.map_err(|_| ()),
            Line::Open => tokio::select! {
                changed = line.changed() => changed.map_err(|_| ()),
                read = client.read(&mut up) => match read {
                    Ok(bytes) if bytes > 0 => server.write_all(&up[..bytes]).await.map_err(|_| ()),
                    _ => return,
                },
                read = server.read(&mut down) => match read {
                    Ok(bytes) if bytes > 0 => client.write_all(&down[..bytes]).await.map_err(|_| ()),
                    _ => return,
                },
            },
        };
        if passed.is_err() {
            return;
        }
    }
}
