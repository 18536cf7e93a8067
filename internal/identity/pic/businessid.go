package pic

import (
	"errors"
	"strings"
)

// A BusinessID is a Finnish business id (Y-tunnus) that obeys the rules, such as
// 0112038-9, or "".
type BusinessID string

// What can be wrong with a business id.
var (
	ErrBusinessShape = errors.New("a business id is seven digits, a hyphen and a check digit")
	ErrBusinessCheck = errors.New("the check digit of the business id is wrong")
)

// ParseBusinessID reads a business id. Old ids have six digits before the hyphen
// and get a zero in front.
func ParseBusinessID(s string) (BusinessID, error) {
	number, check, ok := strings.Cut(s, "-")
	if len(number) == 6 {
		number = "0" + number
	}
	if !ok || len(number) != 7 || len(check) != 1 || !digits(number) || !digits(check) {
		return "", ErrBusinessShape
	}
	// The check digit makes the weighted sum divisible by eleven; an id that
	// would need the check digit ten is never given.
	sum := value(check)
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2} {
		sum += weight * int(number[i]-'0')
	}
	if sum%11 != 0 {
		return "", ErrBusinessCheck
	}
	return BusinessID(number + "-" + check), nil
}
