package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"halorun/launcher"
	"halorun/launcher/jobs/progress"
	"halorun/launcher/jobs/watch"
)

// Address returns where to listen for --metrics: on loopback, unless a host is named.
func Address(text string) (string, error) {
	if n, err := strconv.ParseUint(text, 10, 16); err == nil {
		text = fmt.Sprintf(":%d", n)
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("%q: give a port such as :9090, or an address such as 0.0.0.0:9090", text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("%q: the port is a number up to 65535", text)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// Metrics serves how a job is over HTTP.
type Metrics struct {
	listener  net.Listener
	server    *http.Server
	board     *watch.Board
	heartbeat time.Duration

	mu    sync.Mutex
	meter progress.Meter
}

// ServeMetrics serves a job's metrics until it is closed. A rank that is silent for longer than the heartbeat's time makes the job unhealthy.
func ServeMetrics(address string, b *watch.Board, heartbeat time.Duration) (*Metrics, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	m := &Metrics{listener: l, board: b, heartbeat: heartbeat}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", m.metrics)
	mux.HandleFunc("GET /healthz", m.health)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "halorun: see /metrics and /healthz") })
	m.server = &http.Server{
		Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // what clients do wrong is not the job's business
	}
	go func() { _ = m.server.Serve(limit(l, maxClients)) }() // until Close
	return m, nil
}

// Address returns where it listens.
func (m *Metrics) Address() string { return m.listener.Addr().String() }

// Close ends it.
func (m *Metrics) Close() {
	if m != nil {
		_ = m.server.Close()
	}
}

func (m *Metrics) look() (*watch.Status, progress.Standing) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.board.Snapshot()
	return &s, m.meter.Take(&s)
}

func (m *Metrics) metrics(w http.ResponseWriter, _ *http.Request) {
	s, st := m.look()
	var b bytes.Buffer
	_ = writeMetrics(&b, s, &st) // to a buffer nothing fails
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

// health is what /healthz answers. Its names are a promise.
type health struct {
	Status string `json:"status"` // ok, or unhealthy
	Reason string `json:"reason"` // why it is unhealthy
	Job    string `json:"job"`
	State  string `json:"state"`
	Ranks  int    `json:"ranks"`
	Heard  int    `json:"heard"` // ranks that were heard within the heartbeat's time
}

func (m *Metrics) health(w http.ResponseWriter, _ *http.Request) {
	s, st := m.look()
	h := healthOf(s, &st, m.heartbeat)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if h.Reason != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(h) // a client that is gone does not matter
}

// healthOf judges a job.
func healthOf(s *watch.Status, st *progress.Standing, heartbeat time.Duration) health {
	h := health{Status: "ok", Job: s.ID, State: s.State, Ranks: s.Size}
	var silent []string
	for _, r := range st.Ranks {
		switch {
		case r.Gone:
		case r.Silent <= heartbeat:
			if r.Rank.Rank >= 0 {
				h.Heard++
			}
		default:
			silent = append(silent, fmt.Sprintf("rank %s on %s is silent for %s", launcher.RankName(r.Rank.Rank), r.Host, progress.Duration(r.Silent)))
		}
	}
	switch {
	case s.End != nil && s.State != watch.Done:
		h.Reason = fmt.Sprintf("the job has ended: %s", s.State)
		if s.End.Error != "" {
			h.Reason = s.End.Error
		}
	case s.End == nil && len(silent) > 0:
		h.Reason = strings.Join(silent, "; ")
	}
	if h.Reason != "" {
		h.Status = "unhealthy"
	}
	return h
}
