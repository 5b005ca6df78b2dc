package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gram-ml/gram"
)

// serve answers requests until ctx ends, and lets those under way finish.
func serve(ctx context.Context, l net.Listener, m gram.Classifier) error {
	s := &http.Server{
		Handler:           handler(m),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
	}
	closed := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		closed <- s.Shutdown(grace)
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-closed
}

// maxBody limits a request: about 2000 images.
const maxBody = 1 << 20

func handler(m gram.Classifier) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /predict", func(w http.ResponseWriter, r *http.Request) {
		answer, err := predict(m, http.MaxBytesReader(w, r.Body, maxBody))
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(err, &tooLarge):
			reply(w, http.StatusRequestEntityTooLarge, problem{fmt.Sprintf("the request is larger than %d bytes", maxBody)})
		case err != nil:
			reply(w, http.StatusBadRequest, problem{err.Error()})
		default:
			reply(w, http.StatusOK, answer)
		}
	})
	return mux
}

// A request asks about one image or several.
type request struct {
	X    vector   `json:"x"`
	Rows []vector `json:"rows"`
}

// A prediction is the answer for one image.
type prediction struct {
	Class         int       `json:"class"`
	Probabilities []float64 `json:"probabilities"`
}

type predictions struct {
	Predictions []prediction `json:"predictions"`
}

type problem struct {
	Error string `json:"error"`
}

// A vector is a JSON array of numbers. Missing is not zero: null is an error.
type vector []float64

// UnmarshalJSON reads the array.
func (v *vector) UnmarshalJSON(data []byte) error {
	var elems []*float64
	if err := json.Unmarshal(data, &elems); err != nil {
		return err
	}
	*v = make(vector, len(elems))
	for i, e := range elems {
		if e == nil {
			return fmt.Errorf("number %d is null", i)
		}
		(*v)[i] = *e
	}
	return nil
}

// predict answers one request with a prediction or predictions.
func predict(m gram.Classifier, body io.Reader) (any, error) {
	req, err := decode(body)
	if err != nil {
		return nil, err
	}
	if req.Rows == nil {
		p, err := predictOne(m, req.X)
		if err != nil {
			return nil, fmt.Errorf("x: %w", err)
		}
		return p, nil
	}
	all := predictions{make([]prediction, len(req.Rows))}
	for i, x := range req.Rows {
		if all.Predictions[i], err = predictOne(m, x); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return all, nil
}

// decode reads exactly one request that asks about something.
func decode(body io.Reader) (req request, err error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		return req, explain(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return req, errors.New("something follows the request")
	}
	if (req.X == nil) == (req.Rows == nil) {
		return req, errors.New(`give either "x", an array of numbers, or "rows", an array of such arrays`)
	}
	return req, nil
}

// explain puts an error of decoding in the words of the request.
func explain(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case err == io.EOF:
		return errors.New("the request is empty")
	case errors.As(err, &wrong):
		return fmt.Errorf("expected arrays of finite numbers, found %s", wrong.Value)
	}
	return err
}

// predictOne returns the most probable class of one image. The model refuses one whose
// probabilities would not be numbers.
func predictOne(m gram.Classifier, x []float64) (prediction, error) {
	p := prediction{Probabilities: make([]float64, m.Classes())}
	if err := m.PredictProbaRow(p.Probabilities, x); err != nil {
		return p, err
	}
	for c, v := range p.Probabilities {
		if v > p.Probabilities[p.Class] {
			p.Class = c
		}
	}
	return p, nil
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // fails only when the client is gone
}
