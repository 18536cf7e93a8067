package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"luvat/internal/i18n"
	"luvat/internal/testkit/browser"
)

// A robot knows docs/robots.md and nothing else: addresses, data-robot hooks
// and names of inputs. It reads no words; its browser runs no scripts of the
// page.
type robot struct {
	*visitor
	row string // within which element it looks: a CSS selector, "" for the page
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// read returns an attribute of the first element with a hook.
func (r robot) read(hook, attribute string) string {
	r.t.Helper()
	script := `document.querySelector(` + quoted(r.row+` [data-robot="`+hook+`"]`) + `)?.getAttribute(` + quoted(attribute) + `) ?? "(none)"`
	v := browser.Eval[string](r.Page, script)
	if v == "(none)" {
		r.t.Fatalf("%s has no data-robot=%q with %s", r.URL(), hook, attribute)
	}
	return v
}

func (r robot) value(hook string) string {
	r.t.Helper()
	return r.read(hook, "data-value")
}

// download gets a file with the robot's session.
func (r robot) download(at string) []byte {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.hub.url+at, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for name, value := range r.Cookies() {
		q.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		r.t.Fatalf("GET %s: status %d, %v", at, answer.StatusCode, err)
	}
	return b
}

// deed opens the form of a deed by its address, sets its inputs by their names,
// puts a file in, and presses the button.
func (r robot) deed(at, name string, values map[string]string, file string) {
	r.t.Helper()
	r.Goto(at + "?do=" + name)
	if values == nil {
		values = map[string]string{}
	}
	given, err := json.Marshal(values)
	if err != nil {
		r.t.Fatal(err)
	}
	wrong := browser.Eval[string](r.Page, `(() => {
		const form = document.querySelector('form[data-robot="form-`+name+`"]');
		if (!form) return "no such form";
		for (const [name, value] of Object.entries(`+string(given)+`)) {
			const all = [...form.elements].filter((e) => e.name === name && e.type !== "hidden");
			if (!all.length) return "no input " + name;
			if (all[0].type !== "radio") all[0].value = value;
			else {
				const one = all.find((e) => e.value === value);
				if (!one) return name + " cannot be " + value;
				one.checked = true;
			}
		}
		const file = `+quoted(file)+`;
		if (file) {
			const files = new DataTransfer();
			files.items.add(new File(["%PDF-1.4\n%%EOF\n"], file));
			form.elements.namedItem("file").files = files.files;
		}
		return "";
	})()`)
	if wrong != "" {
		r.t.Fatalf("%s: %s", name, wrong)
	}
	button := browser.Eval[string](r.Page, `document.querySelector('button[data-robot="`+name+`"]').textContent`)
	r.Click("button", button)
	if r.Status() != http.StatusOK { // after the 303
		r.t.Fatalf("%s: status %d, problem %q", name, r.Status(), r.value("problem"))
	}
}

// A software robot takes a matter from the inbox to its end, by the hooks that
// docs/robots.md promises, and hands over what was sent, byte for byte.
func TestRobotMovesAMatter(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.signedIn(t, "demo-aino", i18n.FI, false).fileLodging("Yö salissa", "Kaksikymmentä ihmistä yöpyy salissa.")
	r := robot{visitor: h.signedIn(t, "demo-robot", i18n.SV, false)}
	r.Goto("/officer?bucket=authority")
	id := browser.Eval[string](r.Page, `[...document.querySelectorAll('[data-robot="inbox-row"]')]
		.find((row) => row.querySelector('[data-robot="inbox-status"]').dataset.value === "sent")?.dataset.value ?? ""`)
	if id == "" {
		t.Fatal("the demo has no new matter for the robot")
	}
	at := robot{r.visitor, `[data-robot="inbox-row"][data-value="` + id + `"]`}.read("inbox-open", "href")

	r.Goto(at)
	if r.value("matter") != id || r.value("matter-status") != "sent" || r.value("matter-holder") != "authority" {
		t.Errorf("the matter is %s, %s, held by %s", r.value("matter"), r.value("matter-status"), r.value("matter-holder"))
	}
	entries := r.read("matter", "data-entries")
	r.Goto(r.read("submission-open", "href"))
	sum := sha256.Sum256(r.download(r.read("submission-json", "href")))
	if got, want := hex.EncodeToString(sum[:]), r.value("submission-hash"); got != want {
		t.Errorf("the data has the hash %s, the page tells %s", got, want)
	}
	r.Goto(at)
	if zip := r.download(r.read("package", "href")); !bytes.HasPrefix(zip, []byte("PK")) {
		t.Errorf("the package is no zip: it begins with %q", zip[:min(8, len(zip))])
	}

	r.deed(at, "take", nil, "")
	if r.value("matter-status") != "in_handling" || r.value("matter-handler") != "" {
		t.Errorf("taken: status %s, handler %q; want in_handling and no handler", r.value("matter-status"), r.value("matter-handler"))
	}
	r.deed(at, "identifier", map[string]string{"identifier": "PIR/77/2027"}, "")
	if r.value("matter-identifier") != "PIR/77/2027" {
		t.Errorf("the identifier is %q", r.value("matter-identifier"))
	}
	r.deed(at, "message", map[string]string{"text": "Automaattinen vahvistus."}, "")
	outcome := map[string]string{"notification": "checked", "plan": "checked", "supervision": "inspected"}[find(t, h, `SELECT kind FROM matters WHERE id = $1`, id)]
	r.deed(at, "finish", map[string]string{"outcome": outcome, "text": "Ei huomautettavaa."}, "paatos.pdf")
	if r.value("matter-status") != "finished" || r.value("decision") != outcome || r.value("matter-holder") != "nobody" {
		t.Errorf("finished: status %s, outcome %s, held by %s", r.value("matter-status"), r.value("decision"), r.value("matter-holder"))
	}
	if now := r.read("matter", "data-entries"); now == entries {
		t.Errorf("data-entries is still %s", now)
	}
	r.Goto("/officer?bucket=finished")
	if !strings.Contains(r.HTML(), `data-value="`+id+`"`) {
		t.Error("the matter is not among the finished ones")
	}
}
