package pic_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"luvat/internal/identity/pic"
)

func keys(t testing.TB, lines ...string) pic.Keys {
	t.Helper()
	ks, err := pic.ParseKeys(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

func vault(t testing.TB, encrypt, find pic.Keys) *pic.Vault {
	t.Helper()
	v, err := pic.NewVault(encrypt, find)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func code(t testing.TB, s string) pic.Code {
	t.Helper()
	c, err := pic.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseKeys(t *testing.T) {
	short := base64.StdEncoding.EncodeToString(make([]byte, 16))
	good := pic.NewKey("k1")
	_, secret, _ := strings.Cut(good, ":")
	for _, tt := range []struct{ name, text, want string }{
		{"one", good, ""},
		{"comments and space", "# newest first\n\n  " + good + "  \nold: " + strings.TrimPrefix(pic.NewKey("x"), "x:"), ""},
		{"none", "\n# nothing\n", "no key: write a line"},
		{"all mistakes at once", "k1:" + short + "\n" + secret + "\nk2:@" + secret, "line 1: key k1 has 16 bytes, and must have 32\nline 2: does not begin with an id and a colon: an id is up to 16 of a-z, 0-9 and \"-\"\nline 3: key k2 is not base64"},
		{"an id twice", good + "\n" + pic.NewKey("k1"), "line 2: key k1 stands there twice"},
		{"a key twice", good + "\nk2:" + secret, "line 2: key k2 is key k1 again"},
		{"an id that a text cannot bear", "K.1:" + secret, "line 1: does not begin with an id"},
		{"padding that is not", "k1:" + strings.TrimSuffix(secret, "="), "line 1: key k1 is not base64"},
		{"a key and its id swapped", secret + ":k1", "line 1: does not begin with an id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ks, err := pic.ParseKeys(tt.text)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseKeys says %v; want %s", err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), secret[:20]) || strings.Contains(err.Error(), short)) {
				t.Errorf("the mistake shows a key: %v", err)
			}
			if fmt.Sprint(ks) != fmt.Sprint(pic.Keys{}) {
				t.Error("keys come with a mistake")
			}
		})
	}
}

func TestVaultNeedsKeysOfTheirOwn(t *testing.T) {
	a, b := keys(t, pic.NewKey("a")), keys(t, pic.NewKey("b"))
	for name, pair := range map[string][2]pic.Keys{"no keys": {}, "no key that finds": {a, {}}, "no key that encrypts": {{}, b}, "one key for both": {a, a}} {
		if _, err := pic.NewVault(pair[0], pair[1]); err == nil {
			t.Errorf("%s: NewVault makes a vault", name)
		}
	}
}

func TestKeysAreNeverShown(t *testing.T) {
	line := pic.NewKey("k1")
	_, secret, _ := strings.Cut(line, ":")
	raw, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	ks := keys(t, line)
	v := vault(t, ks, keys(t, pic.NewKey("f")))
	body, err := json.Marshal([]any{ks, v})
	if err != nil {
		t.Fatal(err)
	}
	shown := string(body)
	for _, x := range []any{ks, &ks, v, *v, []any{ks, v}} {
		shown += fmt.Sprintf("%v %+v %#v %s %x %d", x, x, x, x, x, x)
	}
	for _, secret := range []string{secret, string(raw), fmt.Sprintf("%x", raw), strings.Trim(fmt.Sprint(raw), "[]")} {
		if strings.Contains(shown, secret) {
			t.Errorf("a key is shown: %s", shown)
		}
	}
}

func TestSealed(t *testing.T) {
	v := vault(t, keys(t, pic.NewKey("k1")), keys(t, pic.NewKey("f1")))
	c := code(t, sample)
	sealed, err := v.Seal("person-1", c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := v.Seal("person-1", c)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(sealed, "k1.") || sealed == again || strings.Contains(sealed, sample) {
		t.Errorf("sealed as %s and %s", sealed, again)
	}
	if got, err := v.Open("person-1", sealed); err != nil || got != c {
		t.Errorf("Open: %v, %v", got, err)
	}
	if _, err := v.Open("person-2", sealed); !errors.Is(err, pic.ErrSealed) {
		t.Errorf("a text opens in another's row: %v", err)
	}
	if _, err := v.Open("", sealed); !errors.Is(err, pic.ErrSealed) {
		t.Errorf("a text opens in no row: %v", err)
	}
	other := vault(t, keys(t, pic.NewKey("k1")), keys(t, pic.NewKey("f1")))
	if _, err := other.Open("person-1", sealed); !errors.Is(err, pic.ErrSealed) {
		t.Errorf("another's key opens it: %v", err)
	}
	for name, err := range map[string]error{"nothing": second(v.Seal("person-1", pic.Code{})), "no row": second(v.Seal("", c))} {
		if err == nil {
			t.Errorf("%s is sealed", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestSealedTextChanged: no changed text opens, whatever is changed.
func TestSealedTextChanged(t *testing.T) {
	v := vault(t, keys(t, pic.NewKey("k1"), pic.NewKey("k2")), keys(t, pic.NewKey("f1")))
	sealed, err := v.Seal("row", code(t, sample))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		changed := []byte(sealed)
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			i := rapid.IntRange(0, len(sealed)-1).Draw(t, "where")
			changed[i] = rapid.SampledFrom([]byte("ABCxyz019-_.2k=\n")).Draw(t, "to")
		case 1:
			changed = changed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "length")]
		case 2:
			changed = append(changed, rapid.SampledFrom([]string{"A", "=", "\n", ".", "AAAA"}).Draw(t, "more")...)
		}
		if string(changed) == sealed {
			return
		}
		if c, err := v.Open("row", string(changed)); err == nil {
			t.Fatalf("%s opens as %s", changed, c.Reveal())
		} else if !errors.Is(err, pic.ErrSealed) && !errors.Is(err, pic.ErrNoKey) {
			t.Fatal(err)
		}
	})
}

func TestRotation(t *testing.T) {
	one, two, find := pic.NewKey("k1"), pic.NewKey("k2"), keys(t, pic.NewKey("f1"))
	before, during, after := vault(t, keys(t, one), find), vault(t, keys(t, two, one), find), vault(t, keys(t, two), find)
	c := code(t, sample)
	old, err := before.Seal("row", c)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := during.Open("row", old); err != nil || got != c {
		t.Errorf("an old text while both keys are there: %v, %v", got, err)
	}
	fresh, changed, err := during.Rotate("row", old)
	if err != nil || !changed || !strings.HasPrefix(fresh, "k2.") {
		t.Fatalf("Rotate: %s, %t, %v", fresh, changed, err)
	}
	if same, changed, err := during.Rotate("row", fresh); err != nil || changed || same != fresh {
		t.Errorf("Rotate again: %s, %t, %v", same, changed, err)
	}
	if got, err := after.Open("row", fresh); err != nil || got != c {
		t.Errorf("a rotated text after the old key is gone: %v, %v", got, err)
	}
	if _, err := after.Open("row", old); !errors.Is(err, pic.ErrNoKey) {
		t.Errorf("an old text after its key is gone: %v; want ErrNoKey", err)
	}
	if _, _, err := during.Rotate("another", old); !errors.Is(err, pic.ErrSealed) {
		t.Errorf("Rotate takes a text into another row: %v", err)
	}
}

func TestHash(t *testing.T) {
	one, two, encrypt := pic.NewKey("f1"), pic.NewKey("f2"), keys(t, pic.NewKey("k1"))
	before, during := vault(t, encrypt, keys(t, one)), vault(t, encrypt, keys(t, two, one))
	c, other := code(t, "010594Y9021"), code(t, "010594-9021")
	old := before.Hash(c)
	if old != before.Hash(code(t, "010594Y9021")) || old == before.Hash(other) || !strings.HasPrefix(old, "f1.") {
		t.Error("a hash does not find its code, or finds another")
	}
	all := during.Hashes(c)
	if len(all) != 2 || all[0] != during.Hash(c) || all[1] != old || all[0] == strings.Replace(old, "f1", "f2", 1) {
		t.Errorf("hashes %v do not begin with the new and hold the old %s", all, old)
	}
	if !during.Stale(old) || during.Stale(all[0]) {
		t.Error("it is not told which hash is to be made anew")
	}
	if before.Hash(pic.Code{}) != "" || before.Hashes(pic.Code{}) != nil {
		t.Error("people without a code have a hash in common")
	}
}
