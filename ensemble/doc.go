// Package ensemble makes models of other models.
package ensemble
