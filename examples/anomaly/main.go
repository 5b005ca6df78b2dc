// Command anomaly learns what the telemetry of a service looks like, in a Gaussian
// mixture, and reports what does not: rows whose log-density lies below a quantile of that
// of the training rows. When the service changes for good, stepwise EM carries the
// model along, without a second look at old rows.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
)

// telemetry returns rows of latency (ms), load (requests a second) and memory (MB) of a
// service that idles by night and works by day. Latency grows with the load, from base.
func telemetry(rng *rand.Rand, rows int, base float64) *linalg.Dense[float64] {
	X := linalg.NewDense[float64](rows, 3, nil)
	for i := range rows {
		load := 20 + 3*rng.NormFloat64()
		if rng.Float64() < 0.6 {
			load = 200 + 25*rng.NormFloat64()
		}
		X.Set(i, 0, base+load/20+0.5*rng.NormFloat64())
		X.Set(i, 1, load)
		X.Set(i, 2, 512+load+10*rng.NormFloat64())
	}
	return X
}

// incidents returns rows of which every column alone is ordinary: a latency of the day
// under the load of the night.
func incidents(rng *rand.Rand, rows int) *linalg.Dense[float64] {
	X := telemetry(rng, rows, 5)
	for i := range rows {
		X.Set(i, 0, 15+0.5*rng.NormFloat64())
		X.Set(i, 1, 20+3*rng.NormFloat64())
	}
	return X
}

// A detector is a density and the bound below which a row is an anomaly.
type detector struct {
	model *mixture.GaussianMixtureModel
	limit float64
}

// share returns the share of rows that are reported.
func (d *detector) share(X *linalg.Dense[float64]) (float64, error) {
	scores, err := d.model.LogDensity(nil, X)
	if err != nil {
		return 0, err
	}
	found := 0
	for _, v := range scores {
		if v < d.limit {
			found++
		}
	}
	return float64(found) / float64(X.Rows), nil
}

// A report holds shares of rows that were reported.
type report struct {
	components                              int
	ordinary, incidents, moved, movedLearnt float64
}

// quantile is the share of ordinary rows that is accepted as false alarms.
const quantile = 0.005

func run(ctx context.Context) (r report, err error) {
	rng := rand.New(rand.NewPCG(1, 2))
	train := telemetry(rng, 5000, 5)
	base := mixture.GaussianMixture{NInit: 3}
	chosen, err := mixture.SelectK(ctx, base, train, nil, []int{1, 2, 3, 4})
	if err != nil {
		return r, err
	}
	d := &detector{model: chosen.Best}
	if d.limit, err = mixture.Threshold(d.model, train, quantile); err != nil {
		return r, err
	}
	r.components = d.model.Components()
	if r.ordinary, err = d.share(telemetry(rng, 5000, 5)); err != nil {
		return r, err
	}
	if r.incidents, err = d.share(incidents(rng, 1000)); err != nil {
		return r, err
	}
	// A new release is 2 ms slower, for good.
	if r.moved, err = d.share(telemetry(rng, 5000, 7)); err != nil {
		return r, err
	}
	if err := d.follow(ctx, base, func() *linalg.Dense[float64] { return telemetry(rng, 500, 7) }); err != nil {
		return r, err
	}
	r.movedLearnt, err = d.share(telemetry(rng, 5000, 7))
	return r, err
}

// follow updates the detector by 60 batches, of which it remembers about five.
func (d *detector) follow(ctx context.Context, trainer mixture.GaussianMixture, batch func() *linalg.Dense[float64]) (err error) {
	stream := mixture.Stepwise{Trainer: trainer, From: d.model, Memory: 5}
	for range 60 {
		if d.model, err = stream.Update(ctx, batch(), nil); err != nil {
			return err
		}
	}
	d.limit, err = mixture.Threshold(d.model, batch(), quantile)
	return err
}

func main() {
	r, err := run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("components chosen by BIC      %d\n", r.components)
	fmt.Printf("reported of ordinary rows     %5.1f %%\n", 100*r.ordinary)
	fmt.Printf("reported of incidents         %5.1f %%\n", 100*r.incidents)
	fmt.Printf("reported after the release    %5.1f %%\n", 100*r.moved)
	fmt.Printf("and when the model has learnt %5.1f %%\n", 100*r.movedLearnt)
}
