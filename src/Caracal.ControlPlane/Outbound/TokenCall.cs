using Caracal.Egress.Providers;

namespace Caracal.ControlPlane.Outbound;

/// <summary>The HTTP request that carries a form to a token or revocation endpoint.</summary>
internal static class TokenCall
{
    public static HttpRequestMessage Of(Uri endpoint, TokenForm form)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new FormUrlEncodedContent(form.Fields) };
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        if (form.Authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", form.Authorization);
        return request;
    }
}
