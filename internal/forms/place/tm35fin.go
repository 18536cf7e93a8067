package place

import "math"

// ETRS-TM35FIN, by the formulas of JHS 197, annex 2 (Gauss–Krüger by Krüger's
// series in the third flattening, to its fourth power; good to a millimetre in
// all of Finland): the ellipsoid GRS80, the central meridian 27° east with the
// scale 0.9996, and 500 km added to the easting.
const (
	semiMajor  = 6378137.0
	flattening = 1 / 298.257222101
	third      = flattening / (2 - flattening)
	scale      = 0.9996
	falseEast  = 500_000.0
	meridian   = 27 * math.Pi / 180
)

var (
	eccentricity = math.Sqrt(2*flattening - flattening*flattening)
	radius       = scale * semiMajor / (1 + third) * (1 + third*third/4 + math.Pow(third, 4)/64)

	toPlane = [4]float64{
		series(1./2, -2./3, 5./16, 41./180),
		series(0, 13./48, -3./5, 557./1440),
		series(0, 0, 61./240, -103./140),
		series(0, 0, 0, 49561./161280),
	}
	toSphere = [4]float64{
		series(-1./2, 2./3, -37./96, 1./360),
		series(0, -1./48, -1./15, 437./1440),
		series(0, 0, -17./480, 37./840),
		series(0, 0, 0, -4397./161280),
	}
)

// series is c1·n + c2·n² + c3·n³ + c4·n⁴.
func series(c1, c2, c3, c4 float64) float64 {
	return third * (c1 + third*(c2+third*(c3+third*c4)))
}

// bend adds the terms of a series to a place on the plane, in radians.
func bend(north, east float64, by [4]float64) (float64, float64) {
	n, e := north, east
	for i, h := range by {
		k := 2 * float64(i+1)
		n += h * math.Sin(k*north) * math.Cosh(k*east)
		e += h * math.Cos(k*north) * math.Sinh(k*east)
	}
	return n, e
}

// toGrid returns the northing and the easting of a point, in metres.
func toGrid(p Point) (north, east float64) {
	lat, lon := p.Lat*math.Pi/180, p.Lon*math.Pi/180-meridian
	q := math.Asinh(math.Tan(lat)) - eccentricity*math.Atanh(eccentricity*math.Sin(lat))
	beta := math.Atan(math.Sinh(q))
	e := math.Atanh(math.Cos(beta) * math.Sin(lon))
	n := math.Asin(math.Sin(beta) * math.Cosh(e))
	n, e = bend(n, e, toPlane)
	return radius * n, radius*e + falseEast
}

// fromGrid returns the point with this northing and easting, in metres.
func fromGrid(north, east float64) Point {
	n, e := bend(north/radius, (east-falseEast)/radius, toSphere)
	beta := math.Asin(math.Sin(n) / math.Cosh(e))
	lon := math.Asin(math.Tanh(e) / math.Cos(beta))
	q := math.Asinh(math.Tan(beta))
	lat := q
	for range 5 { // each round adds two or three correct digits
		lat = q + eccentricity*math.Atanh(eccentricity*math.Tanh(lat))
	}
	return Point{math.Atan(math.Sinh(lat)) * 180 / math.Pi, (meridian + lon) * 180 / math.Pi}
}
