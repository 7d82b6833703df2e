package dashboard

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// policy is the Content Security Policy of every answer: nothing but our own
// style sheet, script, pictures and requests, and no frame around it.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guarded puts safe headers on every answer and refuses requests by a host name
// that is not ours.
func (d *dashboard) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if !d.ourHost(r) {
			d.problem(w, r, http.StatusMisdirectedRequest, "This server is not "+cut(r.Host, 100)+".",
				"Use the address that the server was started with, or name the host when starting it.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ourHost holds off DNS rebinding: a page elsewhere whose name has come to mean
// this machine would read everything. A connection that came in over loopback
// must name loopback or one of Options.Hosts; with Options.Hosts every
// connection must.
func (d *dashboard) ourHost(r *http.Request) bool {
	host := strings.ToLower(r.Host)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	for _, ours := range d.opt.Hosts {
		if strings.EqualFold(host, ours) {
			return true
		}
	}
	here, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if here == nil || !loopback(here) {
		return len(d.opt.Hosts) == 0
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}

func loopback(a net.Addr) bool {
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && ap.Addr().Unmap().IsLoopback() || a.Network() == "unix"
}

// reading lets those read who have ReadToken or Token, if ReadToken is set. A
// browser asks its user for it as a password, with any name.
func (d *dashboard) reading(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if d.opt.ReadToken == "" {
			next(w, r)
			return
		}
		token := credential(r)
		if !same(token, d.opt.ReadToken) && (d.opt.Token == "" || !same(token, d.opt.Token)) {
			w.Header().Set("WWW-Authenticate", `Basic realm="interdict", charset="UTF-8"`)
			d.problem(w, r, http.StatusUnauthorized, "Reading needs a token.", "Send it as \"Authorization: Bearer TOKEN\", or as the password that the browser asks for, with any name.")
			return
		}
		w.Header().Add("Vary", "Authorization")
		next(w, r)
	}
}

// changing lets only those through who have Token. Without one in Options
// nothing can be changed. A browser's page of another origin never can.
func (d *dashboard) changing(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch err := d.origin.Check(r); {
		case d.opt.Token == "":
			d.problem(w, r, http.StatusForbidden, "This server is read-only.", "Start it with a token to let registries and scripts queue images.")
		case d.opt.Queue == nil:
			d.problem(w, r, http.StatusServiceUnavailable, "This server has no queue.", "It shows results only; queue images where audits are worked on.")
		case err != nil:
			d.problem(w, r, http.StatusForbidden, "The request comes from a page of another origin.", "")
		case !same(credential(r), d.opt.Token):
			w.Header().Set("WWW-Authenticate", `Bearer realm="interdict"`)
			d.problem(w, r, http.StatusUnauthorized, "Changing something needs the token.", "Send it as \"Authorization: Bearer TOKEN\".")
		default:
			next(w, r)
		}
	}
}

// credential is the token of the Authorization header: a bearer's, or the
// password of Basic, which senders take from the user part of an address that
// they were given. The address itself never carries it.
func credential(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// same compares in a time that tells nothing of where the texts differ. The
// empty token is never right.
func same(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return want != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// signed reports whether the header is GitHub's signature of the body
// (https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries).
func signed(header string, body []byte, secret string) bool {
	hexed, ok := strings.CutPrefix(header, "sha256=")
	got, err := hex.DecodeString(hexed)
	if !ok || err != nil || secret == "" {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
