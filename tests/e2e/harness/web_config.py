"""A web configuration with users whose passwords the tests know."""

import base64

USER = "prometheus"
PASSWORD = "correct horse"
# As `htpasswd -nbBC 10 prometheus "correct horse"` prints it.
HASH = "$2y$10$N9qo8uLOickgx2ZMRZoMye7hLCKuEIm4BcKHuoCJsBy/5Q0NErxWS"

# A hash of another cost, a password with a colon and a letter beyond ASCII.
OTHER_USER = "grafana"
OTHER_PASSWORD = "bättery: staple"
OTHER_HASH = "$2b$06$zyxwvutsrqponmlkjihgfeN.rJOm079Kl6UMN86b.l7uqXMi/Pyde"

NEW_PASSWORD = "new password"
NEW_HASH = "$2y$05$ABCDEFGHIJKLMNOPQRSTUu8voYfIFtV8ekqJYKlLiUXZXLoZWdwSS"

USERS = {USER: HASH, OTHER_USER: OTHER_HASH}


def write_web_config(path, users=None):
    lines = [f"  {user}: {hashed}" for user, hashed in (users or USERS).items()]
    path.write_text("\n".join(["basic_auth_users:", *lines, ""]), encoding="utf-8")
    return path


def authorization(user=USER, password=PASSWORD):
    """The header of a request, as HttpClient takes it."""
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}
