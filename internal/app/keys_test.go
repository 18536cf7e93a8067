package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"luvat/internal/db"
	"luvat/internal/identity"
	"luvat/internal/identity/pic"
)

const tessa = "010280-952L"

// A keyed hub is one whose people come in by codes, over a database and a file
// of keys that outlive it.
type keyed struct {
	t    *testing.T
	c    Config
	keys map[string]string
	log  bytes.Buffer
}

func newKeyed(t *testing.T) *keyed {
	t.Helper()
	dir := t.TempDir()
	return &keyed{t: t, keys: map[string]string{}, c: Config{
		Listen: "127.0.0.1:0", BaseURL: "http://127.0.0.1", DatabaseURL: ContentURL(t), Attachments: filepath.Join(dir, "files"),
		MailFrom: "hub@luvat.example", SMTPHost: "127.0.0.1", SMTPTLS: "none", Keys: filepath.Join(dir, "keys"), SignIn: &signIn{Keys: filepath.Join(dir, "keys")},
	}}
}

// file writes the file of keys: "s2 s1/f2 f1", the newest first.
func (k *keyed) file(ids string) {
	k.t.Helper()
	var b strings.Builder
	encrypt, find, _ := strings.Cut(ids, "/")
	for kind, ring := range map[string]string{"seal": encrypt, "find": find} {
		for id := range strings.FieldsSeq(ring) {
			if k.keys[id] == "" {
				k.keys[id] = pic.NewKey(id)
			}
			b.WriteString(kind + " " + k.keys[id] + "\n")
		}
	}
	if err := os.WriteFile(k.c.Keys, []byte(b.String()), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

// with opens the hub, does something, and closes it.
func (k *keyed) with(do func(h *Hub)) {
	k.t.Helper()
	h, err := Open(k.t.Context(), k.c, Options{Log: slog.New(slog.NewTextHandler(&k.log, nil))})
	if err != nil {
		k.t.Fatal(err)
	}
	do(h)
	if err := h.Close(); err != nil {
		k.t.Error(err)
	}
}

// begin does what a hub does with its keys when it starts.
func (k *keyed) begin() {
	k.t.Helper()
	k.with(func(h *Hub) {
		if err := errors.Join(h.beginKeys(k.t.Context()), h.rotateKeys(k.t.Context())); err != nil {
			k.t.Error(err)
		}
	})
}

// refuses runs a hub that must not start, and must say why.
func (k *keyed) refuses(says ...string) {
	k.t.Helper()
	k.with(func(h *Hub) {
		ctx, stop := context.WithCancel(k.t.Context())
		defer stop()
		err := h.Run(ctx, func(string) {
			k.t.Error("the hub answers")
			stop()
		})
		for _, s := range says {
			if err == nil || !strings.Contains(err.Error(), s) {
				k.t.Errorf("Run = %v; want %q", err, s)
			}
		}
		if err != nil {
			k.nobody(err.Error())
		}
	})
}

// runUntil runs the hub until nothing needs a key any more.
func (k *keyed) runUntil(ring, key string) {
	k.t.Helper()
	k.with(func(h *Hub) {
		ctx, stop := context.WithTimeout(k.t.Context(), 20*time.Second)
		defer stop()
		err := h.Run(ctx, func(string) {
			for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
				uses, err := keyUses(ctx, h.DB, time.Now())
				if err != nil || !slices.ContainsFunc(uses, func(u identity.KeyUse) bool { return u.Ring == ring && u.Key == key }) {
					stop()
				}
			}
		})
		if err != nil {
			k.t.Error(err)
		}
	})
}

func (k *keyed) come() (id string) {
	k.t.Helper()
	k.with(func(h *Hub) {
		err := h.DB.InTx(k.t.Context(), func(tx *db.Tx) error {
			p, err := h.Site.Register.Person(k.t.Context(), tx, time.Now(), "suomifi", identity.Assertion{PersonalCode: tessa, Name: "Tessa Testilä"})
			id = p.ID
			return err
		})
		if err != nil {
			k.t.Fatal(err)
		}
	})
	return id
}

func (k *keyed) checks(deep, ok bool, says ...string) {
	k.t.Helper()
	var out strings.Builder
	got, err := Check(k.t.Context(), k.c, deep, &out)
	if err != nil || got != ok {
		k.t.Errorf("Check = %t, %v; want %t", got, err, ok)
	}
	for _, s := range says {
		if !strings.Contains(out.String(), s) {
			k.t.Errorf("Check does not say %q:\n%s", s, out.String())
		}
	}
	k.nobody(out.String())
}

// nobody looks for who came, and for the keys, in what is told.
func (k *keyed) nobody(text string) {
	k.t.Helper()
	secrets := []string{tessa, "Tessa"}
	for _, line := range k.keys {
		_, secret, _ := strings.Cut(line, ":")
		secrets = append(secrets, secret)
	}
	for _, s := range secrets {
		if strings.Contains(text, s) {
			k.t.Errorf("it tells too much:\n%s", text)
		}
	}
}

// The way of the runbook: known, used, rotated, taken off.
func TestKeysRollOver(t *testing.T) {
	k := newKeyed(t)
	k.file("s1/f1")
	k.with(func(*Hub) {})
	k.checks(false, true, "nothing needs one")
	id := k.come()
	k.checks(true, true, "seal s1: 1 rows, the newest; find f1: 1 rows, the newest", "1, each opens and is found by its hash")
	k.file("s1 s2/f1 f2")
	k.begin()
	k.checks(false, true, "seal s1: 1 rows, the newest; seal s2: nothing needs it")
	k.file("s2 s1/f2 f1")
	k.checks(false, true, "seal s2: nothing yet, the newest; seal s1: 1 rows, must stay; find f2: nothing yet, the newest; find f1: 1 rows, must stay")
	k.runUntil("seal", "s1")
	k.checks(false, true, "seal s2: 1 rows, the newest; seal s1: nothing needs it; find f2: 1 rows, the newest; find f1: nothing needs it")
	k.file("s2/f2")
	k.begin()
	k.checks(true, true, "find f2: 1 rows, the newest")
	if k.come() != id {
		t.Error("she is somebody else now")
	}
	if text := k.log.String(); !strings.Contains(text, "identifiers renewed with the newest keys\" rows=1") || strings.Contains(text, "level=ERROR") {
		t.Errorf("the log says\n%s", text)
	}
	k.nobody(k.log.String())
}

func TestRotatingAtOnce(t *testing.T) {
	k := newKeyed(t)
	k.file("s1/f1")
	k.come()
	var out strings.Builder
	k.file("s2 s1/f2 f1")
	if ok, err := RotateKeys(t.Context(), k.c, &out); !ok || err != nil || !strings.HasPrefix(out.String(), "1 rows renewed\nseal s2: 1 rows, the newest\nseal s1: nothing needs it\n") {
		t.Errorf("RotateKeys = %t, %v:\n%s", ok, err, out.String())
	}
	k.file("s3/f3")
	out.Reset()
	if ok, err := RotateKeys(t.Context(), k.c, &out); ok || err != nil || !strings.Contains(out.String(), `LEFT  1 rows were sealed with key "s2", which is not there`) {
		t.Errorf("RotateKeys without the old key = %t, %v:\n%s", ok, err, out.String())
	}
	k.c.Keys = ""
	if _, err := RotateKeys(t.Context(), k.c, &out); err == nil {
		t.Error("nobody said where the keys are")
	}
}

// A key that was taken off too early: the hub says so, and whoever can still be
// opened is found again before the first person comes. It does not start while
// there are people whom nobody can open, unless their keys are told to be lost.
func TestAKeyThatRowsNeedIsMissing(t *testing.T) {
	k := newKeyed(t)
	k.file("s1/f1")
	id := k.come()
	k.file("s1/f2")
	k.checks(false, false, "WRONG keys", "lacks keys that are needed (find f1: 1 rows)")
	k.begin()
	if text := k.log.String(); !strings.Contains(text, "the file of keys lacks a key that rows need\" ring=find key=f1 rows=1") {
		t.Errorf("the log says\n%s", text)
	}
	k.checks(true, true, "find f2: 1 rows, the newest")
	if k.come() != id {
		t.Error("she is somebody else now")
	}

	k.log.Reset()
	k.file("s2/f3")
	k.refuses("seal s1: 1 rows; find f2: 1 rows", "lost_keys")
	k.c.SignIn.LostKeys = []string{"s1"}
	k.refuses("(find f2: 1 rows)")
	k.c.SignIn.LostKeys = []string{"f2", "s1"}
	k.begin()
	k.c.SignIn.LostKeys = nil
	for _, s := range []string{"ring=seal key=s1 rows=1", "ring=find key=f2 rows=1", `sealed with key \"s1\"`} {
		if !strings.Contains(k.log.String(), s) {
			t.Errorf("the log does not say %s:\n%s", s, k.log.String())
		}
	}
	k.checks(false, false, "(seal s1: 1 rows; find f2: 1 rows)")
	k.nobody(k.log.String())
	k.file("s2 s1/f3 f2") // put back: nothing was lost
	k.begin()
	k.checks(true, true, "seal s2: 1 rows, the newest; seal s1: nothing needs it")
	if k.come() != id {
		t.Error("she is somebody else after the keys were put back")
	}
}

func TestTheFileOfKeysIsMissing(t *testing.T) {
	k := newKeyed(t)
	k.come() // makes the file, with keys named s1 and f1
	if err := os.Rename(k.c.Keys, k.c.Keys+".away"); err != nil {
		t.Fatal(err)
	}
	h, err := Open(t.Context(), k.c, Options{})
	if err == nil {
		_ = h.Close()
		t.Fatal("the hub made new keys under the names of those that are needed")
	}
	if !strings.Contains(err.Error(), "is not there, and nobody would be known again (seal s1: 1 rows; find f1: 1 rows)") {
		t.Error(err)
	}
	k.checks(false, false, "WRONG keys")
	file := k.c.Keys
	k.c.Keys = ""
	k.checks(false, false, "not compared with the file (seal s1: 1 rows; find f1: 1 rows): say where it is, LUVAT_SIGN_IN")
	k.c.Keys = file

	k.file("s1/f1") // others, by the same names
	k.checks(false, true)
	k.checks(true, false, "WRONG identifiers", "1 of 1 do not open")
}
