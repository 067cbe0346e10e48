namespace Caracal.Gateway.Pipeline;

/// <summary>Values of <c>error_kind</c> (gateway.md A12).</summary>
internal static class ErrorKinds
{
    public const string NotAddressable = "upstream_not_addressable";
    public const string HostNotAllowed = "provider_host_not_allowed";
    public const string BuildFailed = "request_build_failed";
    public const string BudgetExhausted = "delegation_budget_exhausted";
    public const string BudgetUnavailable = "delegation_budget_unavailable";
    public const string Transport = "transport_error";
    public const string CopyFailed = "response_copy_failed";
}
