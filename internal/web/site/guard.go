package site

import (
	"net/http"

	"luvat/internal/fail"
)

// policy is the content security policy of every page: our own files only, no
// inline script or style, no frames, forms to ourselves.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types luvat"

// Guard wraps all routes: safe headers, and refusal of requests that another
// site made (CSRF), but for those routes that other sites post to and that
// prove what they bring in another way.
//
// A request with an access token is its machine's alone: its cookies are taken
// away, and it need not come from our own pages. No other site can make a
// browser send one: for that header browsers ask first (CORS), and we never agree.
func (s *Site) Guard(next http.Handler, fromElsewhere ...string) http.Handler {
	cross := http.NewCrossOriginProtection()
	for _, pattern := range fromElsewhere {
		cross.AddInsecureBypassPattern(pattern)
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := s.ask(w, r)
		if err == nil {
			err = fail.New(fail.Forbidden, "error.cross_origin")
		}
		s.fail(w, a, err)
	}))
	people, machines := s.Sessions.Load(cross.Handler(next)), s.Sessions.Load(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		// Only our own pages may ask for the device's place, when its owner
		// presses the button that fills it in; the browser asks the owner too.
		h.Set("Permissions-Policy", "camera=(), geolocation=(self), microphone=(), payment=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		if s.bearer(r) != "" {
			r = r.Clone(r.Context())
			r.Header.Del("Cookie")
			machines.ServeHTTP(w, r)
			return
		}
		people.ServeHTTP(w, r)
	})
}
