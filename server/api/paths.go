package api

// OfTenant is the query of a tenant's routes. This type and those below are exported for the library, which reads the
// fields of embedded ones.
type OfTenant struct {
	Tenant string `query:"tenant" maxLength:"256" doc:"With the admin token: the tenant. With a key it may be left out."`
}

// OfPolicy is the path of what belongs to a policy.
type OfPolicy struct {
	OfTenant
	Name string `path:"name" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" maxLength:"64" doc:"The policy's name."`
}
