package bench

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"luvat/internal/identity"
	"luvat/internal/matter"
)

// A Page is what a page weighs: bytes as they travel.
type Page struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"` // the page itself, compressed
	First int    `json:"first"` // with all that a first visit loads
}

// pages weighs the pages that people meet most.
func (r *run) pages(ctx context.Context) ([]Page, error) {
	if r.hub.Handler == nil {
		return nil, nil
	}
	r.say("weight of the pages")
	two, err := r.drafts.make(ctx, 2, 1)
	if err != nil {
		return nil, err
	}
	if err := r.drafts.sendByVerbs(ctx, two[1], attachment()); err != nil {
		return nil, err
	}
	customer, err := signIn(ctx, r.hub.Sessions, r.drafts.senders[0].ID, identity.Hat{Role: identity.RoleCustomer})
	if err != nil {
		return nil, err
	}
	o := r.mass.officerOf[0]
	officer, err := signIn(ctx, r.hub.Sessions, o.ID, identity.Hat{Role: o.Role, Authority: o.Authority})
	if err != nil {
		return nil, err
	}
	draft, sent := two[0], two[1]
	var pages []Page
	for _, p := range []struct{ name, path, cookie string }{
		{"front page", "/", ""},
		{"survey", "/survey", ""},
		{"survey of events", "/survey/event", ""},
		{"catalogue", "/catalogue", ""},
		{"a matter type", "/catalogue/" + sentType, ""},
		{"sign-in", "/login", ""},
		{"accessibility", "/accessibility", ""},
		{"projects", "/projects", customer},
		{"joint view", "/projects/" + draft.project, customer},
		{"common data", "/projects/" + draft.project + "/common", customer},
		{"a matter's form", "/matters/" + draft.matter + "/form", customer},
		{"sending", "/projects/" + draft.project + "/send", customer},
		{"a sent matter", "/matters/" + sent.matter, customer},
		{"receipt", "/matters/" + sent.matter + "/receipts/1", customer},
		{"inbox, 50 matters", "/officer?bucket=" + string(matter.Done), officer},
	} {
		page, err := r.weigh(p.path, p.cookie)
		if err != nil {
			return pages, fmt.Errorf("%s: %w", p.path, err)
		}
		page.Name = p.name
		pages = append(pages, *page)
	}
	return pages, nil
}

var (
	loadPattern = regexp.MustCompile(`<(?:link|script|img)[^>]*?(?:href|src)="(/static/[^"]+)"`)
	usePattern  = regexp.MustCompile(`<use href="(/static/[^"#]+)`)
	facePattern = regexp.MustCompile(`(?s)@font-face\s*\{[^}]*\}`)
	urlPattern  = regexp.MustCompile(`url\(["']?([^"')]+)["']?\)`)
	fromPattern = regexp.MustCompile(`(?:import|from)\s*\(?["'](\./[^"']+|/static/[^"']+)["']`)
)

// weigh fetches a page and what its first visit loads: style, scripts and the
// scripts that those name, icons, and the fonts for Western letters.
func (r *run) weigh(path, cookie string) (*Page, error) {
	c := &client{addr: r.addr, cookie: cookie}
	defer c.close()
	page, err := c.get(path)
	if err := expect("page", 200, statusOf(page), err); err != nil {
		return nil, err
	}
	p := &Page{Bytes: page.onWire, First: page.onWire}
	seen := map[string]bool{}
	todo := found(page.body, loadPattern, usePattern)
	for len(todo) > 0 {
		one := todo[0]
		todo = todo[1:]
		if seen[one] {
			continue
		}
		seen[one] = true
		part, err := c.get(one)
		if err := expect(one, 200, statusOf(part), err); err != nil {
			return nil, err
		}
		p.First += part.onWire
		base := one[:strings.LastIndexByte(one, '/')+1]
		switch {
		case strings.HasSuffix(one, ".css"):
			for _, face := range facePattern.FindAllString(string(part.body), -1) {
				if western(face) {
					for _, u := range urlPattern.FindAllStringSubmatch(face, -1) {
						todo = append(todo, absolute(base, u[1]))
					}
				}
			}
		case strings.HasSuffix(one, ".js"):
			for _, u := range fromPattern.FindAllStringSubmatch(string(part.body), -1) {
				todo = append(todo, absolute(base, u[1]))
			}
		}
	}
	return p, nil
}

// western tells whether a browser loads the font for a page in Finnish,
// Swedish or English.
func western(face string) bool {
	_, ranges, limited := strings.Cut(face, "unicode-range:")
	return !limited || strings.HasPrefix(strings.ToUpper(strings.TrimSpace(ranges)), "U+0000") || strings.HasPrefix(strings.ToUpper(strings.TrimSpace(ranges)), "U+00-")
}

func absolute(base, u string) string {
	if strings.HasPrefix(u, "/") {
		return u
	}
	u = strings.TrimPrefix(u, "./")
	for strings.HasPrefix(u, "../") {
		base, u = base[:strings.LastIndexByte(strings.TrimSuffix(base, "/"), '/')+1], u[3:]
	}
	return base + u
}

func found(body []byte, patterns ...*regexp.Regexp) (all []string) {
	for _, p := range patterns {
		for _, m := range p.FindAllStringSubmatch(string(body), -1) {
			all = append(all, m[1])
		}
	}
	return all
}

func statusOf(a *answer) int {
	if a == nil {
		return 0
	}
	return a.status
}
