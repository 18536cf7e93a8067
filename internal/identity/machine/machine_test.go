package machine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/identity"
	"luvat/internal/identity/machine"
	"luvat/internal/ledger"
	"luvat/internal/testkit"
)

func TestAKeyGetsAToken(t *testing.T) {
	for name, key := range map[string]pair{"RS256": rsaPair(0, jose.RS256, "k"), "PS256": rsaPair(0, jose.PS256, ""), "ES256": ecPair("k")} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			m := b.add(lead, rescue, machine.System)
			c := b.issue(m, key.public())
			token, status, code := b.ask(nil, form(key.sign(b.claims(m, nil))))
			if status != http.StatusOK {
				t.Fatalf("refused: %d %s\n%s", status, code, b.log.String())
			}
			if got := b.who(token, nil); got != m.ID {
				t.Errorf("known as %q", got)
			}
			b.clock.Move(10 * time.Minute)
			if b.who(token, nil) != "" {
				t.Error("the token lives after ten minutes")
			}
			if got := b.deeds(rescue); got != "person added, person credential_issued, system token" {
				t.Errorf("the ledger says: %s", got)
			}
			if list, err := b.List(t.Context(), lead, rescue); err != nil || list[0].Credentials[0].ID != c.ID || !list[0].Credentials[0].Used.Equal(testkit.Start) {
				t.Errorf("listed %+v, %v", list, err)
			}
			var kept string
			b.read(`SELECT hash FROM machine_tokens`, &kept)
			if kept == token || strings.Contains(kept, token) {
				t.Error("the token itself is kept")
			}
		})
	}
}

func TestACertificateIsEnough(t *testing.T) {
	b := newBench(t)
	m := b.add(lead, rescue, machine.Robot, "rescue-fireworks")
	mine, renewed, strangers := b.ca.certificate("robotti", year), b.ca.certificate("robotti", year), newCA("Luvat Test CA").certificate("robotti", year)
	b.issue(m, machine.Proof{Certificate: pemOf(mine)})
	if got := b.who("", mine); got != m.ID {
		t.Errorf("known as %q", got)
	}
	for name, cert := range map[string]*tls.Certificate{"renewed": renewed, "a stranger's of the same names": strangers, "none": nil} {
		if b.who("", cert) != "" {
			t.Errorf("%s: known", name)
		}
	}

	// By name, what its CA issues to it later will do as well: but only its CA.
	named := b.add(lead, rescue, machine.System)
	if _, err := b.Issue(t.Context(), lead, named.ID, machine.Proof{Certificate: strangers.Certificate[0], ByName: true}); !fail.Is(err, fail.Rejected) {
		t.Errorf("a name that no CA vouches for: %v", err)
	}
	c := b.issue(named, machine.Proof{Certificate: b.ca.certificate("järjestelmä", year).Certificate[0], ByName: true})
	if got := b.who("", b.ca.certificate("järjestelmä", year)); got != named.ID {
		t.Errorf("renewed: known as %q", got)
	}
	for name, cert := range map[string]*tls.Certificate{"another name": b.ca.certificate("toinen", year), "another CA": newCA("Luvat Test CA").certificate("järjestelmä", year)} {
		if b.who("", cert) != "" {
			t.Errorf("%s: known", name)
		}
	}
	if err := b.Withdraw(t.Context(), lead, c.ID); err != nil {
		t.Fatal(err)
	}
	if b.who("", b.ca.certificate("järjestelmä", year)) != "" {
		t.Error("known after it was withdrawn")
	}
	short, expired := b.ca.certificate("lyhyt", time.Hour), b.ca.certificate("lyhyt", -time.Hour)
	b.issue(named, machine.Proof{Certificate: short.Certificate[0], ByName: true})
	if b.who("", short) != named.ID || b.who("", expired) != "" {
		t.Error("one that holds is not known, or one that has expired is")
	}
	b.clock.Move(year)
	if b.who("", mine) != "" {
		t.Error("known after the certificate expired")
	}
	if b.who("", short) != "" {
		t.Error("known by name after the certificate expired")
	}
}

func TestARobotIsAnOfficerOfItsAuthority(t *testing.T) {
	b := newBench(t)
	robot, system := b.add(lead, rescue, machine.Robot, "rescue-fireworks"), b.add(lead, rescue, machine.System)
	for _, m := range []machine.Machine{robot, system} {
		cert := b.ca.certificate(string(m.Kind), year)
		b.issue(m, machine.Proof{Certificate: cert.Certificate[0]})
		leaf, err := x509.ParseCertificate(cert.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		c, err := b.Who(t.Context(), "", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}})
		if err != nil {
			t.Fatal(err)
		}
		o, ok := c.Officer()
		if ok != (m.Kind == machine.Robot) {
			t.Errorf("%s: an officer: %t", m.Kind, ok)
		}
		if ok && (o.Role != identity.RoleRobot || o.Authority != rescue || o.Actor() != ledger.Robot(m.ID) || o.Name != "Pelastuksen järjestelmä" || !o.May("rescue-fireworks") || o.May("rescue-other")) {
			t.Errorf("the officer is %+v", o)
		}
		if want := map[machine.Kind]ledger.Actor{machine.Robot: ledger.Robot(m.ID), machine.System: ledger.System(m.ID)}[m.Kind]; c.Actor() != want {
			t.Errorf("in the ledger it is %s", c.Actor())
		}
		if c.May("anything") != (m.Kind == machine.System) {
			t.Errorf("%s may anything: %t", m.Kind, c.May("anything"))
		}
	}
	err := b.db.View(t.Context(), func(tx *db.Tx) error {
		names, err := identity.Names(t.Context(), tx, []string{robot.ID})
		if names[robot.ID] != "Pelastuksen järjestelmä" {
			t.Errorf("pages would show %v", names)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestATokenIsBoundToTheCertificateItCameBy(t *testing.T) {
	b := newBench(t)
	key := ecPair("k")
	m := b.add(lead, rescue, machine.System)
	b.issue(m, key.public())
	mine, another := b.ca.certificate("mine", year), b.ca.certificate("another", year)
	token, status, _ := b.ask(mine, form(key.sign(b.claims(m, nil))))
	if status != http.StatusOK {
		t.Fatal("refused")
	}
	for name, tt := range map[string]struct {
		cert *tls.Certificate
		want string
	}{"its own": {mine, m.ID}, "another": {another, ""}, "none": {nil, ""}} {
		if got := b.who(token, tt.cert); got != tt.want {
			t.Errorf("with %s: known as %q", name, got)
		}
	}

	// A registered certificate gets tokens without a signature, in its own name.
	b.issue(m, machine.Proof{Certificate: mine.Certificate[0]})
	by := url.Values{"grant_type": {"client_credentials"}, "client_id": {m.ID}}
	if token, status, _ := b.ask(mine, by); status != http.StatusOK || b.who(token, mine) != m.ID || b.who(token, nil) != "" {
		t.Errorf("by certificate: status %d", status)
	}
	strange := b.add(lead, rescue, machine.System)
	for name, tt := range map[string]struct {
		cert   *tls.Certificate
		client string
	}{"no certificate": {nil, m.ID}, "another's certificate": {another, m.ID}, "another's name": {mine, strange.ID}, "no name": {mine, ""}} {
		if _, status, code := b.ask(tt.cert, url.Values{"grant_type": {"client_credentials"}, "client_id": {tt.client}}); status != 401 || code != machine.InvalidClient {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
}

func TestACredentialIsRotated(t *testing.T) {
	b := newBench(t)
	old, next := ecPair("old"), ecPair("next")
	m := b.add(lead, rescue, machine.System)
	first := b.issue(m, old.public())
	c, err := b.Rotate(t.Context(), lead, first.ID, next.public(), b.clock.Now().Add(48*time.Hour))
	if err != nil || c.Replaces != first.ID {
		t.Fatalf("Rotate = %+v, %v", c, err)
	}
	in := func(when string, key pair, want bool) {
		t.Helper()
		token, status, _ := b.ask(nil, form(key.sign(b.claims(m, nil))))
		if (status == http.StatusOK) != want || (b.who(token, nil) == m.ID) != want {
			t.Errorf("%s, %s: status %d, want in: %t", when, key.kid, status, want)
		}
	}
	in("at once", old, true)
	in("at once", next, true)
	b.clock.Move(47*time.Hour + 55*time.Minute)
	token, _, _ := b.ask(nil, form(old.sign(b.claims(m, nil))))
	if short, err := b.Token(t.Context(), form(old.sign(b.claims(m, nil))), nil); err != nil || short.ExpiresIn != 300 {
		t.Errorf("five minutes before the date: %v, %v", short.ExpiresIn, err)
	}
	b.clock.Move(5 * time.Minute)
	in("after the date", old, false)
	in("after the date", next, true)
	if b.who(token, nil) != "" {
		t.Error("a token outlives its credential")
	}
	if _, err := b.Rotate(t.Context(), lead, c.ID, ecPair("x").public(), b.clock.Now().Add(-time.Hour)); !fail.Is(err, fail.Rejected) {
		t.Errorf("until yesterday: %v", err)
	}
	if _, err := b.Rotate(t.Context(), lead, c.ID, next.public(), b.clock.Now()); !fail.Is(err, fail.Conflict) {
		t.Errorf("the same key again: %v", err)
	}
	list, err := b.List(t.Context(), lead, rescue)
	if err != nil || len(list) != 1 || len(list[0].Credentials) != 2 || list[0].Credentials[0].ID != c.ID || !list[0].Credentials[1].Until.Equal(testkit.Start.Add(48*time.Hour)) {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestWhatIsWithdrawnIsDeadAtOnce(t *testing.T) {
	b := newBench(t)
	one, two := ecPair("one"), ecPair("two")
	m := b.add(lead, rescue, machine.System)
	c := b.issue(m, one.public())
	b.issue(m, two.public())
	token, _, _ := b.ask(nil, form(one.sign(b.claims(m, nil))))
	kept, _, _ := b.ask(nil, form(two.sign(b.claims(m, nil))))
	if err := b.Withdraw(t.Context(), lead, c.ID); err != nil {
		t.Fatal(err)
	}
	if b.who(token, nil) != "" || b.who(kept, nil) != m.ID {
		t.Error("its token lives, or the other's does not")
	}
	var left int64
	if b.read(`SELECT COUNT(*) FROM machine_tokens`, &left); left != 1 {
		t.Errorf("%d tokens are kept", left)
	}
	if _, status, _ := b.ask(nil, form(one.sign(b.claims(m, nil)))); status != 401 {
		t.Errorf("it gets a token: %d", status)
	}
	if err := b.Withdraw(t.Context(), lead, c.ID); !fail.Is(err, fail.Conflict) {
		t.Errorf("once more: %v", err)
	}
	if _, err := b.Rotate(t.Context(), lead, c.ID, ecPair("x").public(), b.clock.Now().Add(time.Hour)); !fail.Is(err, fail.Conflict) {
		t.Errorf("rotated: %v", err)
	}
	b.issue(m, one.public()) // a key that was withdrawn by mistake may come again
	if err := b.Retire(t.Context(), service, m.ID); err != nil {
		t.Fatal(err)
	}
	if b.who(kept, nil) != "" {
		t.Error("a token of the retired machine lives")
	}
	if _, status, _ := b.ask(nil, form(two.sign(b.claims(m, nil)))); status != 401 {
		t.Errorf("the retired machine gets a token: %d", status)
	}
	if _, err := b.Issue(t.Context(), lead, m.ID, ecPair("x").public()); !fail.Is(err, fail.Conflict) {
		t.Errorf("the retired machine gets a credential: %v", err)
	}
	if err := b.Retire(t.Context(), lead, m.ID); !fail.Is(err, fail.Conflict) {
		t.Errorf("retired twice: %v", err)
	}
}

// A token row that outlived its credential, however that came, is worth nothing.
func TestATokenIsWorthWhatItsCredentialIs(t *testing.T) {
	b := newBench(t)
	key := ecPair("k")
	m := b.add(lead, rescue, machine.System)
	b.issue(m, key.public())
	token, _, _ := b.ask(nil, form(key.sign(b.claims(m, nil))))
	for _, change := range []string{`UPDATE machine_credentials SET withdrawn_at = 1`, `UPDATE machine_credentials SET withdrawn_at = 0`, `UPDATE machines SET withdrawn_at = 1`} {
		err := b.db.InTx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.ExecContext(t.Context(), change)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := b.who(token, nil); (got == "") != !strings.HasSuffix(change, "= 0") {
			t.Errorf("after %s: known as %q", change, got)
		}
	}
}

func TestNobodyElseRules(t *testing.T) {
	b := newBench(t)
	key := ecPair("k")
	m := b.add(lead, rescue, machine.System)
	c := b.issue(m, key.public())
	for name, asker := range map[string]machine.Asker{"another authority's lead": other, "nobody": {}} {
		_, add := b.Add(t.Context(), asker, machine.Machine{Authority: rescue, Kind: machine.System, Name: "x"})
		_, issue := b.Issue(t.Context(), asker, m.ID, ecPair("x").public())
		_, rotate := b.Rotate(t.Context(), asker, c.ID, ecPair("x").public(), b.clock.Now().Add(time.Hour))
		_, list := b.List(t.Context(), asker, rescue)
		for verb, err := range map[string]error{
			"Add": add, "Issue": issue, "Rotate": rotate, "List": list,
			"Withdraw": b.Withdraw(t.Context(), asker, c.ID), "Retire": b.Retire(t.Context(), asker, m.ID),
		} {
			if !fail.Is(err, fail.NotFound) {
				t.Errorf("%s, %s: %v", verb, name, err)
			}
		}
	}
	for verb, err := range map[string]error{
		"Withdraw": b.Withdraw(t.Context(), lead, "nothing"), "Retire": b.Retire(t.Context(), service, "nothing"),
	} {
		if !fail.Is(err, fail.NotFound) {
			t.Errorf("%s of nothing: %v", verb, err)
		}
	}
	if list, err := b.List(t.Context(), other, police); err != nil || len(list) != 0 {
		t.Errorf("the other lead's own: %v, %v", list, err)
	}
	if list, err := b.List(t.Context(), service, rescue); err != nil || len(list) != 1 || list[0].Credentials[0].Until.IsZero() != true {
		t.Errorf("service management sees %v, %v", list, err)
	}
	if _, status, _ := b.ask(nil, form(key.sign(b.claims(m, nil)))); status != http.StatusOK {
		t.Error("the machine itself was harmed")
	}
	if got := b.deeds(rescue) + b.deeds(police); got != "person added, person credential_issued, system token" {
		t.Errorf("the ledger says: %s", got)
	}
}

func TestWhatIsNoProof(t *testing.T) {
	b := newBench(t)
	m := b.add(lead, rescue, machine.System)
	mine := b.ca.certificate("mine", year)
	b.issue(m, machine.Proof{Certificate: mine.Certificate[0]})
	private := rsaPair(0, jose.RS256, "k")
	secret, _ := json.Marshal(jose.JSONWebKey{Key: private.private})
	shared, _ := json.Marshal(jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef")})
	encrypts, _ := json.Marshal(jose.JSONWebKey{Key: private.private.(*rsa.PrivateKey).Public(), Use: "enc"})
	hs, _ := json.Marshal(jose.JSONWebKey{Key: private.private.(*rsa.PrivateKey).Public(), Algorithm: "HS256"})
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	curve, _ := json.Marshal(jose.JSONWebKey{Key: p384.Public()})
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(private.private)
	for name, tt := range map[string]struct {
		p    machine.Proof
		kind fail.Kind
		key  string
	}{
		"nothing":                {machine.Proof{}, fail.Rejected, "machine.proof_missing"},
		"both":                   {machine.Proof{JWK: secret, Certificate: secret}, fail.Rejected, "machine.proof_missing"},
		"nonsense for a key":     {machine.Proof{JWK: []byte("{}")}, fail.Rejected, "machine.key_not_valid"},
		"a private key":          {machine.Proof{JWK: secret}, fail.Rejected, "machine.key_private"},
		"a shared key":           {machine.Proof{JWK: shared}, fail.Rejected, "machine.key_not_valid"},
		"a key that encrypts":    {machine.Proof{JWK: encrypts}, fail.Rejected, "machine.key_not_valid"},
		"a key for HS256":        {machine.Proof{JWK: hs}, fail.Rejected, "machine.key_not_valid"},
		"another curve":          {machine.Proof{JWK: curve}, fail.Rejected, "machine.key_weak"},
		"a private key as PEM":   {machine.Proof{Certificate: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})}, fail.Rejected, "machine.key_private"},
		"nonsense":               {machine.Proof{Certificate: []byte("x")}, fail.Rejected, "machine.certificate_not_valid"},
		"a CA":                   {machine.Proof{Certificate: b.ca.cert.Raw}, fail.Rejected, "machine.certificate_not_valid"},
		"an expired certificate": {machine.Proof{Certificate: b.ca.certificate("x", -time.Hour).Certificate[0]}, fail.Rejected, "machine.certificate_expired"},
		"until yesterday":        {machine.Proof{Certificate: b.ca.certificate("x", year).Certificate[0], Until: b.clock.Now().Add(-time.Hour)}, fail.Rejected, "machine.until_past"},
		"a registered one":       {machine.Proof{Certificate: mine.Certificate[0]}, fail.Conflict, "machine.already_registered"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.Issue(t.Context(), lead, m.ID, tt.p)
			if !fail.Is(err, tt.kind) || !strings.HasPrefix(err.Error(), tt.key) {
				t.Errorf("got %v, want %s", err, tt.key)
			}
		})
	}
	for name, m := range map[string]machine.Machine{
		"no name": {Authority: rescue, Kind: machine.System, Name: " "}, "a long name": {Authority: rescue, Kind: machine.System, Name: strings.Repeat("ä", 101)},
		"no kind": {Authority: rescue, Name: "x"},
	} {
		if _, err := b.Add(t.Context(), lead, m); !fail.Is(err, fail.Rejected) && !fail.Is(err, fail.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheLastUseIsKeptByTheMinute(t *testing.T) {
	b := newBench(t)
	cert := b.ca.certificate("mine", year)
	m := b.add(lead, rescue, machine.System)
	b.issue(m, machine.Proof{Certificate: cert.Certificate[0]})
	for _, tt := range []struct {
		later, want time.Duration
	}{{0, 0}, {30 * time.Second, 0}, {31 * time.Second, 61 * time.Second}, {59 * time.Second, 61 * time.Second}} {
		b.clock.Move(tt.later)
		if b.who("", cert) != m.ID {
			t.Fatal("not known")
		}
		list, err := b.List(t.Context(), lead, rescue)
		if err != nil {
			t.Fatal(err)
		}
		if got := list[0].Credentials[0].Used.Sub(testkit.Start); got != tt.want {
			t.Errorf("used after %s, want %s", got, tt.want)
		}
	}
}

// The ledger tells of every token, and of other uses once an hour.
func TestUsesAreInTheLedger(t *testing.T) {
	b := newBench(t)
	cert, key := b.ca.certificate("mine", year), ecPair("k")
	m := b.add(lead, rescue, machine.Robot)
	b.issue(m, machine.Proof{Certificate: cert.Certificate[0]})
	for range 3 {
		if b.who("", cert) != m.ID {
			t.Fatal("not known")
		}
		b.clock.Move(61 * time.Second)
	}
	before := "person added, person credential_issued, robot used"
	if got := b.deeds(rescue); got != before {
		t.Errorf("within minutes the ledger says: %s", got)
	}
	b.clock.Move(time.Hour)
	b.who("", cert)
	before += ", robot used"
	if got := b.deeds(rescue); got != before {
		t.Errorf("an hour later the ledger says: %s", got)
	}
	b.issue(m, key.public())
	token, _, _ := b.ask(nil, form(key.sign(b.claims(m, nil))))
	b.clock.Move(2 * time.Minute)
	b.who(token, nil)
	if got := b.deeds(rescue); got != before+", person credential_issued, robot token" {
		t.Errorf("after a token the ledger says: %s", got)
	}
}

// Somebody who shows a token that another's certificate goes with, or whose key
// has had its time, is told of in the ledger, a minute's tries at once.
func TestRefusedTokensAreInTheLedger(t *testing.T) {
	b := newBench(t)
	cert, key := b.ca.certificate("mine", year), ecPair("k")
	m := b.add(lead, rescue, machine.Robot)
	b.issue(m, key.public())
	token, _, _ := b.ask(cert, form(key.sign(b.claims(m, nil))))
	b.clock.Move(time.Minute)
	for range 3 {
		if b.who(token, nil) != "" {
			t.Fatal("known without the certificate")
		}
	}
	before := "person added, person credential_issued, robot token, hub refused"
	if got := b.deeds(rescue); got != before {
		t.Errorf("the ledger says: %s", got)
	}
	b.clock.Move(time.Minute)
	b.who("nonsense", nil)
	if got := b.deeds(rescue); got != before {
		t.Errorf("after nonsense the ledger says: %s", got)
	}
	b.who(token, nil)
	if got := b.deeds(rescue); got != before+", hub refused" {
		t.Errorf("a minute later the ledger says: %s", got)
	}
}

func TestExpiredTokensAreForgotten(t *testing.T) {
	b := newBench(t)
	key := ecPair("k")
	m := b.add(lead, rescue, machine.System)
	b.issue(m, key.public())
	b.ask(nil, form(key.sign(b.claims(m, nil))))
	b.clock.Move(5 * time.Minute)
	b.ask(nil, form(key.sign(b.claims(m, nil))))
	b.clock.Move(6 * time.Minute)
	if err := b.db.InTx(t.Context(), func(tx *db.Tx) error { return machine.Sweep(t.Context(), tx, b.clock.Now()) }); err != nil {
		t.Fatal(err)
	}
	var n int64
	if b.read(`SELECT COUNT(*) FROM machine_tokens`, &n); n != 1 {
		t.Errorf("%d tokens are left", n)
	}
}
