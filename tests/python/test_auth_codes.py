"""Signed codes go both ways between `auth issue` and `auth inspect` and PyJWT."""

import base64
import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from programs import built

DEADLINE = 30
NOW = int(time.time())
CLAIMS = {"jti": "code_1", "sub": "Ada", "iat": NOW, "exp": NOW + 3600, "plan": "team"}


def auth(*arguments, text="", settings=None, directory=None):
    """Runs `llm2api-server auth …` and returns what became of it."""
    return subprocess.run(
        [built("LLM2API_SERVER"), "auth", *arguments],
        input=text,
        cwd=directory,
        env={"PATH": os.environ["PATH"], **(settings or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )


def well(run):
    """What a command that went well has printed."""
    assert run.returncode == 0, run.stderr
    return run.stdout


def decoded(part):
    return base64.b64decode(part, validate=True)


class Keys:
    """A pair from `auth keygen`, in a file and for PyJWT."""

    def __init__(self, directory: Path, name: str = "key.json") -> None:
        text = well(auth("keygen"))
        pair = json.loads(text)
        self.file = directory / name
        self.file.touch(mode=0o600)
        self.file.write_text(text, encoding="utf-8")
        self.public_text = pair["public_key"]
        self.private_text = pair["private_key"]
        self.private = Ed25519PrivateKey.from_private_bytes(decoded(self.private_text))
        self.public = Ed25519PublicKey.from_public_bytes(decoded(self.public_text))
        self.id = hashlib.sha256(decoded(self.public_text)).hexdigest()[:8]

    def issue(self, *arguments):
        return well(auth("issue", "--private-key-file", str(self.file), *arguments))

    def inspect(self, code):
        return auth("inspect", "--public-key", self.public_text, text=code)


@pytest.fixture
def keys(tmp_path) -> Keys:
    return Keys(tmp_path)


def test_keygen_prints_a_pair_that_belongs_together(keys):
    raw = keys.private.public_key().public_bytes_raw()
    assert raw == keys.public.public_bytes_raw() == decoded(keys.public_text)
    assert len(decoded(keys.private_text)) == 32


def test_what_the_command_issues_pyjwt_verifies(keys):
    limits = ["--requests-per-minute", "60", "--tokens-per-day", "100000", "--concurrency", "4"]
    text = keys.issue("--holder", "Ada 李", "--plan", "team", "--expires", "30d", *limits)
    code = text.removesuffix("\n")
    assert text == code + "\n" and code.count(".") == 2 and not code.split()[1:]

    assert jwt.get_unverified_header(code)["alg"] == "EdDSA"
    claims = jwt.decode(code, keys.public, algorithms=["EdDSA"])
    assert (claims["sub"], claims["plan"]) == ("Ada 李", "team")
    assert abs(claims["iat"] - time.time()) < DEADLINE
    assert claims["exp"] - claims["iat"] == 30 * 86400
    assert claims["limits"] == {
        "requests_per_minute": 60,
        "tokens_per_day": 100000,
        "concurrency": 4,
    }
    other = jwt.decode(keys.issue("--holder", "Ada").strip(), keys.public, ["EdDSA"])
    assert other["jti"] != claims["jti"] and "exp" not in other

    told = json.loads(well(keys.inspect(code)))
    assert (told["signature"], told["state"], told["claims"]) == ("valid", "active", claims)
    assert told["revocation"] == "not checked", "the signature cannot tell"
    unproven = json.loads(well(auth("inspect", text=code)))
    assert (unproven["signature"], unproven["claims"]) == ("not checked", claims)


def test_a_later_beginning_is_kept_to_by_both(keys):
    code = keys.issue("--holder", "Ada", "--not-before", "1h", "--expires", "2h").strip()
    with pytest.raises(jwt.ImmatureSignatureError):
        jwt.decode(code, keys.public, algorithms=["EdDSA"])
    run = keys.inspect(code)
    assert run.returncode == 1 and "not valid yet" in run.stderr


def test_what_pyjwt_signs_is_accepted(keys):
    for claims in [CLAIMS, {**CLAIMS, "exp": NOW + 3600.5, "nbf": NOW - 5, "aud": "x", "extra": [1]}]:
        for headers in [None, {"kid": keys.id}, {"typ": "at+jwt"}]:
            code = jwt.encode(claims, keys.private, algorithm="EdDSA", headers=headers)
            told = json.loads(well(keys.inspect(code + "\n")))
            assert (told["signature"], told["state"]) == ("valid", "active")
            assert told["claims"]["sub"] == "Ada" and told["claims"]["exp"] == NOW + 3600


def forged(keys, directory):
    """Codes that are wrong, each with a piece of what has to be said of it."""
    sign = lambda claims, key=keys.private, algorithm="EdDSA", **more: jwt.encode(
        claims, key, algorithm=algorithm, **more
    )
    good = sign(CLAIMS)
    head, claims, signature = good.split(".")
    eve = sign({**CLAIMS, "sub": "Eve"}).split(".")[1]
    own = keys.issue("--holder", "Ada").strip()
    other = Keys(directory, "other.json")
    curve = ec.generate_private_key(ec.SECP256R1())
    large = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    secret = decoded(keys.public_text)
    algorithm = "not signed with EdDSA"
    return {
        "none": (sign(CLAIMS, None, "none"), algorithm),
        "none with a signature": (f"{sign(CLAIMS, None, 'none')}{signature}", algorithm),
        "HS256 with the public key": (sign(CLAIMS, secret, "HS256"), algorithm),
        "ES256": (sign(CLAIMS, curve, "ES256"), algorithm),
        "RS256": (sign(CLAIMS, large, "RS256"), algorithm),
        "Ed448": (sign(CLAIMS, ed448.Ed448PrivateKey.generate()), "not of the curve Ed25519"),
        "no signature": (f"{head}.{claims}.", "not of the curve Ed25519"),
        "another key": (sign(CLAIMS, other.private), "does not fit the public key"),
        "another key that names itself": (
            other.issue("--holder", "Ada").strip(),
            "signed with another key",
        ),
        "tampered": (f"{head}.{eve}.{signature}", "does not fit the public key"),
        "tampered and named": (".".join([own.split(".")[0], eve, own.split(".")[2]]), "was changed"),
        "expired": (sign({**CLAIMS, "exp": NOW - 1}), "has expired"),
        "not yet valid": (sign({**CLAIMS, "nbf": NOW + 1000}), "not valid yet"),
        "critical": (sign(CLAIMS, headers={"crit": ["b64"], "b64": True}), "`crit`"),
        "huge": (sign({**CLAIMS, "extra": "x" * 10000}), "longer than 8192 bytes"),
        "no subject": (sign({"jti": "code_1", "iat": NOW}), "cannot be read"),
        "a date of words": (f"{head}.{encoded({**CLAIMS, 'exp': 'soon'})}.{signature}", "fit"),
        "two parts": (f"{head}.{claims}", "three parts"),
        "four parts": (f"{good}.x", "three parts"),
        "dots": ("..", "cannot be read"),
    }


def encoded(claims):
    text = base64.urlsafe_b64encode(json.dumps(claims).encode())
    return text.decode().rstrip("=")


def test_each_wrong_code_is_refused_with_its_own_message(keys, tmp_path):
    for name, (code, expected) in forged(keys, tmp_path).items():
        run = keys.inspect(code)
        assert (run.returncode, run.stdout) == (1, ""), (name, run)
        lines = run.stderr.splitlines()
        assert len(lines) == 1 and expected in lines[0], (name, run.stderr)
        assert "code is refused" in lines[0] and code[:40] not in lines[0], name


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_refused(keys, mode):
    keys.file.chmod(mode)
    run = auth("issue", "--private-key-file", str(keys.file), "--holder", "Ada")
    assert (run.returncode, run.stdout) == (1, "")
    assert f"chmod 600 {keys.file}" in run.stderr and keys.private_text not in run.stderr


def test_the_key_may_stand_alone_in_its_file(keys):
    keys.file.write_text(keys.private_text + "\n", encoding="utf-8")
    assert json.loads(well(keys.inspect(keys.issue("--holder", "Ada"))))["signature"] == "valid"


def test_mistakes_are_named(keys, tmp_path):
    empty = tmp_path / "empty"
    empty.touch(mode=0o600)
    key = ["--private-key-file", str(keys.file)]
    cases = [
        (["issue", *key, "--holder", "Ada", "--expires", "1w"], 2, "write a duration"),
        (["issue", *key, "--holder", "Ada", "--expires", "0"], 1, "later date"),
        (["issue", *key, "--holder", "  "], 1, "1 to 100 characters"),
        (["issue", *key], 2, "--holder"),
        (["issue", *key, "--holder", "Ada", "--concurrency", "0"], 1, "at least 1"),
        (["issue", "--holder", "Ada", "--record"], 2, "--private-key-file"),
        (["issue", "--private-key-file", str(empty), "--holder", "Ada"], 1, "auth keygen"),
        (["issue", "--private-key-file", str(tmp_path / "none"), "--holder", "A"], 1, "cannot be read"),
        (["inspect", "--public-key", "AAAA"], 1, "auth keygen"),
        (["inspect"], 1, "there is no code"),
        (["inspect", "--code-file", str(tmp_path / "none")], 1, "cannot be read"),
    ]
    for arguments, code, expected in cases:
        run = auth(*arguments, directory=tmp_path)
        assert (run.returncode, run.stdout) == (code, ""), (arguments, run)
        assert expected in run.stderr, (arguments, run.stderr)
    assert not (tmp_path / "data").exists(), "signing alone opens no store"


def test_an_opaque_code_is_kept_inspected_and_revoked(tmp_path):
    """Nothing but the command line and a file."""
    settings = {"DATA_DIR": str(tmp_path / "data")}
    run = lambda *arguments, **more: auth(*arguments, settings=settings, directory=tmp_path, **more)
    code = well(run("issue", "--holder", "Ada", "--plan", "team", "--expires", "30d"))
    assert code.startswith("l2a_") and code.count("\n") == 1
    told = json.loads(well(run("inspect", text=code)))
    claims = told["claims"]
    assert (told["kind"], told["state"], claims["sub"]) == ("opaque", "active", "Ada")
    assert code.startswith(f"l2a_{claims['jti']}_")
    path = tmp_path / "code"
    path.write_text(code, encoding="utf-8")
    assert json.loads(well(run("inspect", "--code-file", str(path)))) == told

    heading, line = well(run("list")).splitlines()
    assert heading.split() == ["ID", "STATE", "KIND", "HOLDER", "PLAN", "ISSUED", "EXPIRES"]
    day = time.strftime("%Y-%m-%d", time.gmtime(claims["exp"]))
    assert line.split()[:5] == [claims["jti"], "active", "opaque", "Ada", "team"]
    assert line.split()[6] == day

    assert well(run("revoke", claims["jti"])) == f"{claims['jti']} is revoked\n"
    assert well(run("revoke", claims["jti"])) == f"{claims['jti']} was revoked before\n"
    assert "did not know it" in well(run("revoke", "code_of_others"))
    told = json.loads(well(run("inspect", text=code)))
    assert told["state"] == "revoked" and abs(told["revoked_at"] - time.time()) < DEADLINE
    listed = json.loads(well(run("list", "--json")))
    assert [entry["state"] for entry in listed["data"]] == ["revoked", "revoked"]
    assert listed["total"] == 2 and "code" not in listed["data"][0]

    for wrong in [code.strip()[:-1], "l2a_aaaaaaaaaaaaaaaa_0", "canary"]:
        refused = run("inspect", text=wrong)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "knows no such code" in refused.stderr and wrong not in refused.stderr
    secret = code.strip().rsplit("_", 1)[1].encode()
    for kept in (tmp_path / "data").iterdir():
        assert secret not in kept.read_bytes(), kept


def test_a_signed_code_is_recorded_where_that_is_asked_for(keys, tmp_path):
    settings = {"STORE_URL": f"sqlite:{tmp_path / 'codes.db'}"}
    arguments = ["issue", "--holder", "Ada", "--private-key-file", str(keys.file)]
    code = well(auth(*arguments, "--record", settings=settings, directory=tmp_path)).strip()
    claims = jwt.decode(code, keys.public, algorithms=["EdDSA"])
    listed = json.loads(well(auth("list", "--json", settings=settings, directory=tmp_path)))
    [entry] = listed["data"]
    assert (entry["id"], entry["kind"], entry["holder"]) == (claims["jti"], "signed", "Ada")


def test_a_store_that_forgets_is_no_place_for_codes(tmp_path):
    run = auth("issue", "--holder", "Ada", settings={"STORE_URL": "memory:"}, directory=tmp_path)
    assert (run.returncode, run.stdout) == (2, "") and "forgets" in run.stderr
