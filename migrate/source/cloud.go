//go:build cloud

package source

// The golang-migrate sources that bring large client libraries with them:
// s3://, gcs://, github:// and gitlab://. Build with -tags cloud to have them.
import (
	_ "github.com/golang-migrate/migrate/v4/source/aws_s3"
	_ "github.com/golang-migrate/migrate/v4/source/github"
	_ "github.com/golang-migrate/migrate/v4/source/gitlab"
	_ "github.com/golang-migrate/migrate/v4/source/google_cloud_storage"
)
