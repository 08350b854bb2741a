use tokio::io::{AsyncReadExt, AsyncWriteExt};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let mut b = tokio::runtime::Builder::new_multi_thread();
    b.worker_threads(4).enable_all();
    if args.len() > 1 { b.thread_name(&args[1]); }
    b.build().unwrap().block_on(async {
        let l = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("PORT {}", l.local_addr().unwrap().port());
        loop {
            let (mut s, _) = l.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buf = [0u8; 4096];
                loop {
                    let n = match s.read(&mut buf).await { Ok(0) | Err(_) => return, Ok(n) => n };
                    let ms: u64 = String::from_utf8_lossy(&buf[..n]).trim().parse().unwrap_or(0);
                    let t = std::time::Instant::now();
                    while (t.elapsed().as_millis() as u64) < ms { std::hint::spin_loop(); }
                    if s.write_all(b"ok\n").await.is_err() { return; }
                }
            });
        }
    });
}
