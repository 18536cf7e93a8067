package machine

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// biggest is how long a request at the token endpoint may be.
const biggest = 16 << 10

// A Gate holds back those who fail too often. Names are what requests claim, "" for
// none: they are proved when Came is told.
type Gate interface {
	Open(q *http.Request, name string) bool
	Failed(q *http.Request, name string) (allowed bool)
	Came(q *http.Request, name string)
}

// open is a gate that holds back nobody.
type open struct{}

func (open) Open(*http.Request, string) bool   { return true }
func (open) Failed(*http.Request, string) bool { return true }
func (open) Came(*http.Request, string)        {}

// ServeHTTP is the token endpoint without a gate.
func (r *Registry) ServeHTTP(w http.ResponseWriter, q *http.Request) { r.serve(w, q, open{}) }

// Endpoint is the token endpoint behind a gate: a form comes, JSON goes. Whoever
// asks is told an OAuth code and, where that gives nothing away, the cure.
func (r *Registry) Endpoint(g Gate) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.serve(w, q, g) })
}

func (r *Registry) serve(w http.ResponseWriter, q *http.Request, g Gate) {
	if q.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		say(w, http.StatusMethodNotAllowed, map[string]string{"error": InvalidRequest})
		return
	}
	err := readForm(w, q)
	name := claimed(q.PostForm)
	if !g.Open(q, name) {
		w.Header().Set("Retry-After", "30")
		say(w, http.StatusTooManyRequests, map[string]string{"error": TemporarilyUnavailable})
		return
	}
	var token Token
	if err == nil {
		token, err = r.Token(q.Context(), q.PostForm, q.TLS)
	}
	if err == nil {
		g.Came(q, name)
		say(w, http.StatusOK, token)
		return
	}
	if e, ok := errors.AsType[*Error](err); ok {
		g.Failed(q, name)
		r.Log.InfoContext(q.Context(), "machine refused", "code", e.Code, "cause", e.Cause, "machine", e.machine)
		status := http.StatusBadRequest
		if e.Code == InvalidClient {
			status = http.StatusUnauthorized
		}
		answer := map[string]string{"error": e.Code}
		if e.Cure != "" {
			answer["error_description"] = e.Cure
		}
		say(w, status, answer)
		return
	}
	r.Log.ErrorContext(q.Context(), "token endpoint failed", "err", err)
	say(w, http.StatusServiceUnavailable, map[string]string{"error": TemporarilyUnavailable})
}

// readForm reads the request's form.
func readForm(w http.ResponseWriter, q *http.Request) error {
	if kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return &Error{Code: InvalidRequest, Cause: "no form", Cure: "send the parameters as a form: Content-Type application/x-www-form-urlencoded"}
	}
	q.Body = http.MaxBytesReader(w, q.Body, biggest)
	if err := q.ParseForm(); err != nil {
		return &Error{Code: InvalidRequest, Cause: "the form cannot be read"}
	}
	if q.Header.Get("Authorization") != "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="token"`) // RFC 6749, section 5.2
		return denied("a password").with("send client_assertion and no Authorization header")
	}
	return nil
}

// longestClaim is how long a name may be that is counted by.
const longestClaim = 64

// claimed is the name that a request claims, which nothing has proved yet; "" for
// none, or one that is no machine's id.
func claimed(form url.Values) string {
	name := form.Get("client_id")
	if parts := strings.Split(form.Get("client_assertion"), "."); len(parts) == 3 && len(parts[1]) < longest {
		var c claims
		if body, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && json.Unmarshal(body, &c) == nil && c.Issuer != "" {
			name = c.Issuer
		}
	}
	if len(name) > longestClaim {
		return ""
	}
	return name
}

// Bearer returns the access token of a request (RFC 6750), "" for none.
func Bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// say answers in JSON that nobody keeps.
func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // to one who may have gone
}
