"""Servers from Debian on epoll loops of their own: each blocked by its own means, each left alone.

Redis sleeps (DEBUG SLEEP), nginx computes in Perl, HAProxy in Lua, memcached is stopped by SIGSTOP.
What is found is compared with README's table of programs.
"""

import os
import shutil
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from harness.child import Child
from harness.loopscope import Loopscope
from harness.polling import TimedOut, wait_until
from harness.procfs import children
from ports import free_port
from readme import Seen, differences
from stalls import long_stalls
from verdict import CannotPlay, judged

TRUTH = "four blocks of 0.4 s in each server are four stalls, and an idle server has none"
BLOCK = 0.4
BLOCKS = 4


class Server(NamedTuple):
    name: str
    command: list
    port: int
    block: object  # blocks the loop for BLOCK, and returns
    pid: object  # of the process that polls, by that of the one started


def program(name, package):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not found:
        raise CannotPlay(f"{name} is missing: apt-get install {package}")
    return found


def ask(port, words):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(words)
        connection.recv(4096)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def child_of(pid):
    return wait_until(lambda: children(pid), 10, f"a child of {pid}")[0]


def redis(folder):
    package = "redis-server"
    port = free_port()
    options = ["--port", port, "--save", "", "--dir", folder, "--enable-debug-command", "yes"]
    return Server(
        "Redis",
        [program("redis-server", package), *options],
        port,
        lambda _: ask(port, f"DEBUG SLEEP {BLOCK}\r\n".encode()),
        lambda pid: pid,
    )


NGINX = """
load_module /usr/lib/nginx/modules/ngx_http_perl_module.so;
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      perl 'sub {{ use Time::HiRes; my $r = shift; my $end = Time::HiRes::time() + {block};
        my $n = 0; $n++ while Time::HiRes::time() < $end; $r->print("done"); return OK; }}';
    }}
  }}
}}
"""
HAPROXY = """
global
  nbthread 1
  lua-load {folder}/block.lua
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 10s
frontend all
  bind 127.0.0.1:{port}
  http-request return status 200 content-type text/plain lf-string "%[lua.block]"
"""
# A fetch may not yield, so the loop waits for it.
HAPROXY_LUA = """
core.register_fetches("block", function(txn)
  local last = os.clock() + {block}
  local n = 0
  while os.clock() < last do n = n + 1 end
  return "done"
end)
"""


def get(port):
    ask(port, b"GET / HTTP/1.0\r\n\r\n")


def nginx(folder):
    package = "libnginx-mod-http-perl"
    binary = program("nginx", package)
    if not Path("/usr/lib/nginx/modules/ngx_http_perl_module.so").exists():
        raise CannotPlay(f"nginx has no Perl: apt-get install {package}")
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, block=BLOCK), encoding="utf-8")
    return Server(
        "nginx", [binary, "-c", config], port, lambda _: get(port), child_of
    )


def haproxy(folder):
    package = "haproxy"
    port = free_port()
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY.format(folder=folder, port=port), encoding="utf-8")
    (folder / "block.lua").write_text(HAPROXY_LUA.format(block=BLOCK), encoding="utf-8")
    command = [program("haproxy", package), "-db", "-f", config]
    return Server("HAProxy", command, port, lambda _: get(port), lambda pid: pid)


def memcached(folder):
    package = "memcached"
    port = free_port()
    command = [program("memcached", package), "-l", "127.0.0.1", "-p", port, "-t", "1", "-u", "nobody"]

    def stop(pid):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(BLOCK)
        os.kill(pid, signal.SIGCONT)

    return Server("memcached", command, port, stop, lambda pid: pid)


def look(server):
    """What is said of a server that is left alone, then blocked."""
    with ExitStack() as ending:
        started = Child(server.command, name=server.name)
        ending.callback(started.kill)
        wait_until(lambda: answers(server.port), 10, f"{server.name} answers")
        pid = server.pid(started.pid)
        loopscope = Loopscope("--pid", pid)
        ending.callback(loopscope.kill)
        loopscope.wait_for_loop(pid)
        time.sleep(3)  # it idles, which is what must not be a stall
        idle = len(loopscope.json("/api/v1/stalls?limit=100"))
        for _ in range(BLOCKS):
            server.block(pid)
            time.sleep(0.3)  # the loop is back in its wait
        try:
            wait_until(lambda: len(long_stalls(loopscope)) >= BLOCKS, 5, "stalls")
        except TimedOut:
            pass  # judged below
        return idle, long_stalls(loopscope)


def seen_of(server, stalls):
    exact = [BLOCK * 0.9 < stall["duration_seconds"] < BLOCK * 1.5 for stall in stalls]
    named = [bool(stall["function"]) for stall in stalls]
    return Seen(
        len(stalls) == BLOCKS and all(exact),
        all(stall["phase"] != "unknown" for stall in stalls),
        "function" if all(named) else "some" if any(named) else "nobody",
    )


def judge(stage, folder):
    told, found = [], []
    for make in (redis, nginx, haproxy, memcached):
        try:
            server = make(stage.fresh(make.__name__))
        except CannotPlay as error:
            told.append(f"not played, {error}")
            continue
        idle, stalls = look(server)
        seen = seen_of(server, stalls)
        names = sorted({stall["function"] or "nobody" for stall in stalls})
        told.append(f"{server.name}: {seen.told()} ({', '.join(names)}), idle: {idle} stalls")
        found += [f"{server.name}: {idle} stalls while idle"] if idle else []
        found += differences(server.name, server.name, seen)
    return judged("; ".join(told), *found)
