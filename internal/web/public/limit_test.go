package public

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"luvat/internal/web/site"
)

func TestLimit(t *testing.T) {
	s := newSite(t)
	bad := url.Values{"municipality": {""}}
	for range site.AtOnce {
		if w := s.do("POST", "/survey/event", bad); w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("status %d before the limit", w.Code)
		}
	}
	w := s.do("POST", "/survey/event", bad)
	wants(t, w, http.StatusTooManyRequests, "Odota hetki")
	if w.Header().Get("Retry-After") == "" {
		t.Error("nothing says when to try again")
	}
	if w := s.get("/survey/event"); w.Code != http.StatusOK {
		t.Errorf("reading is limited: status %d", w.Code)
	}
	s.clock.Move(time.Minute)
	if w := s.do("POST", "/survey/event", bad); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("status %d a minute later", w.Code)
	}
	s.signIn(t, "maija")
	for range site.AtOnce + 1 {
		if w := s.do("POST", "/survey/event", bad); w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("status %d for somebody who is signed in", w.Code)
		}
	}
}
