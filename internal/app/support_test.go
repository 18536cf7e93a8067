package app_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"luvat/internal/db"
	"luvat/internal/identity"
)

// A support person traces one of the demo's matters by its number, which stands in
// no address; the applicant sees that somebody looked.
func TestSupportTracesAMatter(t *testing.T) {
	h := demoHub(t)
	var number, project, name, owner string
	err := h.DB.View(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRowContext(t.Context(), `SELECT m.number, p.id, p.name, o.name FROM matters m JOIN projects p ON p.id = m.project_id
			JOIN members b ON b.project_id = p.id AND b.role = 'owner' JOIN people o ON o.id = b.person_id
			WHERE m.status = 'to_complete' AND b.person_id = 'demo-aino' ORDER BY m.id LIMIT 1`).Scan(&number, &project, &name, &owner)
	})
	if err != nil {
		t.Fatal(err)
	}
	support := session(t, h, "demo-support", identity.Hat{Role: identity.RoleSupport})
	trace := func(number string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/service/support", strings.NewReader(url.Values{"number": {number}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(support)
		w := httptest.NewRecorder()
		h.Handler.ServeHTTP(w, r)
		return w
	}
	page := trace(number)
	for _, want := range []string{number, "Viranomainen pyysi täydennystä", "Täydennettävänä", "Asiakkaalle"} {
		if page.Code != 200 || !strings.Contains(page.Body.String(), want) {
			t.Errorf("status %d, and the page does not say %q", page.Code, want)
		}
	}
	for _, secret := range []string{owner, name, "Riikka Koskinen"} {
		if strings.Contains(page.Body.String(), secret) {
			t.Errorf("the page says %q", secret)
		}
	}
	if w := trace("A-2000-1"); w.Code != 422 || !strings.Contains(w.Body.String(), "Tällä numerolla ei ole asiaa") {
		t.Errorf("a number that is none: status %d", w.Code)
	}
	aino := session(t, h, "demo-aino", identity.Hat{Role: identity.RoleCustomer})
	if w := ask(h, "GET", "/projects/"+project+"/readings", aino); !strings.Contains(w.Body.String(), "Palvelun tuki") || !strings.Contains(w.Body.String(), "ei sisältöä") {
		t.Error("the applicant does not see that support has looked")
	}
	if w := ask(h, "GET", "/service", support); w.Code != 404 {
		t.Errorf("the pages of service management: status %d", w.Code)
	}
}
