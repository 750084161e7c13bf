package scaling

import "halorun/bench"

// Network is Hockney's model of it: n bytes take Latency + n/BytesPerSecond.
type Network struct {
	Kind           string   `json:"kind"` // loopback, or hosts
	Latency        float64  `json:"latency_seconds"`
	BytesPerSecond float64  `json:"bytes_per_second"`
	Error          *float64 `json:"error"`    // of loopback, which is fitted: mean, as a part of what was measured
	Links          []Link   `json:"measured"` // of loopback
	Pairs          []Pair   `json:"pairs"`    // of hosts
}

// Link is how long a message took from one rank to another.
type Link struct {
	Bytes   float64 `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// Pair is what was measured between two hosts.
type Pair struct {
	From           string  `json:"from"`
	To             string  `json:"to"`
	RoundTrip      float64 `json:"round_trip_seconds"`
	BytesPerSecond float64 `json:"bytes_per_second"`
}

// fitNetwork returns the network of one machine.
func fitNetwork(links []Link) Network {
	var u, v, y []float64
	for _, l := range links {
		u, v, y = append(u, 1), append(v, l.Bytes), append(y, l.Seconds)
	}
	a, b := fit(u, v, y)
	n := Network{Kind: "loopback", Latency: a, Links: links, Pairs: []Pair{}}
	if b > 0 {
		n.BytesPerSecond = 1 / b
	}
	e := 0.0
	for _, l := range links {
		e += abs(n.seconds(l.Bytes)-l.Seconds) / l.Seconds / float64(len(links))
	}
	n.Error = &e
	return n
}

// pairsNetwork returns that of hosts, of which latency and rate themselves are measured: the medians of all pairs.
func pairsNetwork(pairs []Pair) Network {
	var trips, rates []float64
	for _, p := range pairs {
		trips, rates = append(trips, p.RoundTrip), append(rates, p.BytesPerSecond)
	}
	return Network{Kind: "hosts", Latency: bench.Median(trips) / 2, BytesPerSecond: bench.Median(rates), Links: []Link{}, Pairs: pairs}
}

// seconds returns what a message takes.
func (n Network) seconds(bytes float64) float64 {
	if n.BytesPerSecond == 0 {
		return n.Latency
	}
	return n.Latency + bytes/n.BytesPerSecond
}
