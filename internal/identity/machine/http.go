package machine

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
)

// biggest is how long a request at the token endpoint may be.
const biggest = 16 << 10

// ServeHTTP is the token endpoint: a form comes, JSON goes. Whoever asks is told
// an OAuth code and no more.
func (r *Registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		say(w, http.StatusMethodNotAllowed, map[string]string{"error": InvalidRequest})
		return
	}
	token, err := r.asked(w, q)
	if err == nil {
		say(w, http.StatusOK, token)
		return
	}
	if e, ok := errors.AsType[*Error](err); ok {
		r.Log.InfoContext(q.Context(), "machine refused", "code", e.Code, "cause", e.Cause, "machine", e.machine)
		status := http.StatusBadRequest
		if e.Code == InvalidClient {
			status = http.StatusUnauthorized
		}
		say(w, status, map[string]string{"error": e.Code})
		return
	}
	r.Log.ErrorContext(q.Context(), "token endpoint failed", "err", err)
	say(w, http.StatusServiceUnavailable, map[string]string{"error": TemporarilyUnavailable})
}

// asked reads the request and makes the token.
func (r *Registry) asked(w http.ResponseWriter, q *http.Request) (Token, error) {
	if kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return Token{}, &Error{Code: InvalidRequest, Cause: "no form"}
	}
	q.Body = http.MaxBytesReader(w, q.Body, biggest)
	if err := q.ParseForm(); err != nil {
		return Token{}, &Error{Code: InvalidRequest, Cause: "the form cannot be read"}
	}
	if q.Header.Get("Authorization") != "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="token"`) // RFC 6749, section 5.2
		return Token{}, denied("a password")
	}
	return r.Token(q.Context(), q.PostForm, q.TLS)
}

// TooMany answers who asks for tokens too often.
func TooMany(w http.ResponseWriter, _ *http.Request) {
	say(w, http.StatusTooManyRequests, map[string]string{"error": TemporarilyUnavailable})
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
