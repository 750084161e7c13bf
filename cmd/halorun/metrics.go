package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"halorun/launcher/jobs/monitor"
)

func metricsFlag() cli.Flag {
	return &cli.StringFlag{Name: "metrics", Usage: "serve /metrics for Prometheus, and /healthz, on `ADDR` while the job runs: :9090 on loopback, 0.0.0.0:9090 for all"}
}

// parseMetrics takes over the flag.
func (o *runOptions) parseMetrics(c *cli.Context) (err error) {
	if text := c.String("metrics"); text != "" || c.IsSet("metrics") {
		if o.metrics, err = monitor.Address(text); err != nil {
			return usage("--metrics %v", err)
		}
	}
	return nil
}

// serve lets others know how the job is, until stop is called.
func (o *runOptions) serve() (stop func(), err error) {
	var metrics *monitor.Metrics
	if o.metrics != "" {
		if metrics, err = monitor.ServeMetrics(o.metrics, o.board, o.launch.Heartbeat); err != nil {
			var op *net.OpError
			if errors.As(err, &op) {
				err = op.Err
			}
			var call *os.SyscallError
			if errors.As(err, &call) {
				err = call.Err
			}
			return nil, startFailed{fmt.Errorf("--metrics: listen on %s: %w", o.metrics, err)}
		}
		say := o.log.Debug
		if strings.HasSuffix(o.metrics, ":0") {
			say = o.log.Info // nobody could know it
		}
		say("metrics are at http://" + metrics.Address() + "/metrics")
	}
	server := monitor.Serve(o.board, func(err error) { o.log.Debug("'halorun top' cannot watch this job", "error", oneLine(err.Error())) })
	return func() {
		metrics.Close()
		server.Close()
	}, nil
}
