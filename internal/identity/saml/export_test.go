package saml

import "encoding/json"

// A Found is what the first reader has found and the second compares.
type Found struct {
	ID, Name, Session *string
	Attributes        map[string][]string
}

// SecondReader has the first reader read a response and the second another one,
// after what the first found was spoilt.
func (p *Provider) SecondReader(kept, first, second []byte, spoil func(Found)) error {
	var m memo
	if err := json.Unmarshal(kept, &m); err != nil {
		return err
	}
	from, err := p.idp(m.Issuer, p.c.Now())
	if err != nil {
		return err
	}
	t := taking{c: &p.c, keys: p.state.Load().keys.Encryption, memo: m, from: from, now: p.c.Now()}
	r, err := t.response(first)
	if err != nil {
		return err
	}
	spoil(Found{&r.id, &r.session.NameID, &r.session.SessionIndex, r.attributes})
	return t.secondReader(second, r)
}
